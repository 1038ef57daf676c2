using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Serverless.Presence.Tables;
using Serverless.Support;

namespace Serverless.Presence;

public sealed class PresenceOptionsTests
{
    [Theory]
    [InlineData("00:00:30", "00:01:15")]
    [InlineData("00:00:01", "00:00:02.5")]
    public void A_timeout_of_two_and_a_half_heartbeats_is_taken(string interval, string timeout) =>
        Read($"--Presence:HeartbeatInterval={interval}", $"--Presence:Timeout={timeout}").Timeout.Should().Be(TimeSpan.Parse(timeout, null));

    [Theory]
    [InlineData("00:00:30", "00:01:14", "two and a half")]
    [InlineData("00:01:00", "00:01:15", "two and a half")]
    [InlineData("00:00:00.5", "00:01:15", "HeartbeatInterval")]
    public void A_shorter_one_is_not(string interval, string timeout, string says)
    {
        var read = () => Read($"--Presence:HeartbeatInterval={interval}", $"--Presence:Timeout={timeout}");
        read.Should().Throw<OptionsValidationException>().WithMessage($"*{says}*");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("presence", "public.presence")]
    [InlineData(" public.presence , chat.user_presence,, public.presence", "public.presence chat.user_presence")]
    [InlineData("Odd Schema.a \"quoted\" table", "Odd Schema.a \"quoted\" table")]
    public void Tables_are_named_with_their_schema_or_in_public(string setting, string tables)
    {
        TableName.TryParse(setting, out var names).Should().BeTrue();
        string.Join(' ', names).Should().Be(tables);
    }

    [Theory]
    [InlineData(".presence")]
    [InlineData("public.")]
    [InlineData("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg")]
    [InlineData("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q")]
    public void Names_that_can_be_no_tables_stop_the_start(string setting)
    {
        var read = () => Read($"--Presence:Tables={setting}");
        read.Should().Throw<OptionsValidationException>().WithMessage("*Presence:Tables*schema.table*");
    }

    // Never started: its settings are read when they are asked for.
    private static PresenceOptions Read(params string[] settings)
    {
        var app = RealtimeApp.Build(["--Realtime:Postgres=Host=127.0.0.1;Port=1;Username=nobody", $"--Realtime:JwtSecret={Tokens.Secret}", .. settings]);
        using var services = app.Services as IDisposable;
        return app.Services.GetRequiredService<IOptions<PresenceOptions>>().Value;
    }
}
