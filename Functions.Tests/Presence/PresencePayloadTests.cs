using System.Text;
using System.Text.Json;

namespace Serverless.Presence;

public sealed class PresencePayloadTests
{
    private static readonly JsonDocumentOptions _deep = new() { MaxDepth = 1000 };

    [Theory]
    [InlineData("{}", "{}")]
    [InlineData(""" { "a" : [ 1 , { } , [ ] , null , true ] } """, """{"a":[1,{},[],null,true]}""")]
    [InlineData("""{"n":12345678901234567890.1234567890,"e":1e400,"z":-0.0}""", """{"n":12345678901234567890.1234567890,"e":1e400,"z":-0.0}""")]
    [InlineData("""{"a":"\u0041\/\n","ü":"🐘"}""", """{"a":"\u0041\/\n","ü":"🐘"}""")]
    [InlineData("""{"phx_ref":"x","a":1,"phx_ref_prev":"y","deeper":{"phx_ref":"z"}}""", """{"a":1,"deeper":{"phx_ref":"z"}}""")]
    [InlineData("""{"phx\u005fref":"x"}""", "{}")]
    [InlineData("""{"__proto__":{"a":1},"constructor":2}""", """{"__proto__":{"a":1},"constructor":2}""")]
    [InlineData("""{"a":"\u0000"}""", """{"a":"\u0000"}""")]
    public void It_is_kept_as_it_was_written_without_blanks_and_without_what_is_ours(string payload, string kept)
    {
        Read(payload, out var text).Should().BeNull();
        text.Should().Be(kept);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("1")]
    [InlineData("[]")]
    [InlineData("[{}]")]
    [InlineData("true")]
    [InlineData("""{"a":1,"a":1}""")]
    [InlineData("""{"a":1,"\u0061":2}""")]
    [InlineData("""{"deeper":[{"a":{"b":1,"b":2}}]}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":["\udc00\ud800"]}""")]
    [InlineData("""{"\ud800":1}""")]
    public void What_is_no_object_or_ambiguous_or_not_unicode_is_refused(string payload) => Read(payload, out _)!.Code.Should().Be("InvalidPresence");

    [Fact]
    public void A_payload_that_is_missing_is_refused() => PresencePayload.Read(payload: null, 100, out _)!.Code.Should().Be("InvalidPresence");

    [Fact]
    public void Bytes_that_are_not_utf_8_are_refused()
    {
        using var document = JsonDocument.Parse(new byte[] { (byte)'{', (byte)'"', (byte)'a', (byte)'"', (byte)':', (byte)'"', 0xff, (byte)'"', (byte)'}' });
        PresencePayload.Read(document.RootElement, 100, out _)!.Code.Should().Be("InvalidPresence");
    }

    [Theory]
    [InlineData("{\"a\":", "1", "}")]
    [InlineData("[", "1", "]")]
    public void It_is_nested_at_most_fifty_deep(string open, string inner, string close)
    {
        Read(Nested(PresencePayload.MaxDepth), out _).Should().BeNull();
        Read(Nested(PresencePayload.MaxDepth + 1), out _)!.Code.Should().Be("InvalidPresence");

        string Nested(int depth) =>
            "{\"a\":" + string.Concat(Enumerable.Repeat(open, depth - 1)) + inner + string.Concat(Enumerable.Repeat(close, depth - 1)) + "}";
    }

    [Fact]
    public void Its_size_is_that_of_what_is_kept()
    {
        Read("{ \"a\" :                  1 }", out _, most: 7).Should().BeNull();
        Read("{\"a\":11}", out _, most: 7)!.Should().Match<Calls.ErrorAnswer>(answer => answer.StatusCode == 413 && answer.Code == "PayloadTooLarge");
        Read("{\"a\":\"ü\"}", out _, most: 9)!.Code.Should().Be("PayloadTooLarge", "bytes are counted, not characters");
    }

    private static Calls.ErrorAnswer? Read(string payload, out string text, int most = 10_000)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetBytes(payload), _deep);
        return PresencePayload.Read(document.RootElement, most, out text);
    }
}
