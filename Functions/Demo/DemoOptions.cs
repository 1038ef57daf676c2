namespace Serverless.Demo;

/// <summary>The demo page, served by <c>./dev</c> and by nothing else.</summary>
internal sealed class DemoOptions
{
    public const string Section = "Realtime";

    /// <summary>Folder of the built demo page. Default: none, and no page is served.</summary>
    public string? Demo { get; set; }

    /// <summary>The API key that the page uses. It is public: its role is what protects the data.</summary>
    public string? DemoApiKey { get; set; }
}
