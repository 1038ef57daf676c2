using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Serverless.Changes;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("", "\"\"")]
    [InlineData("a\"b\\c/", "\"a\\\"b\\\\c/\"")]
    [InlineData("\b\t\n\f\r\u0001\u001f\u007f", "\"\\b\\t\\n\\f\\r\\u0001\\u001f\u007f\"")]
    [InlineData("ü日👍<&>'\u2028", "\"ü日👍<&>'\u2028\"")]
    public void Only_what_json_forbids_is_escaped(string text, string token) =>
        Encoding.UTF8.GetString(JsonText.Encode(text)).Should().Be(token);

    [Fact]
    public void Every_character_survives()
    {
        var text = string.Concat(Enumerable.Range(0, 0x3000).Select(code => (char)code)) + "\U0001F44D";

        JsonSerializer.Deserialize<string>(JsonText.Encode(text)).Should().Be(text);
    }

    [Fact]
    public void Bytes_that_are_not_utf8_become_replacement_characters()
    {
        var output = new ArrayBufferWriter<byte>();

        JsonText.Write(output, [(byte)'a', 0xE9, (byte)'"']);

        Encoding.UTF8.GetString(output.WrittenSpan).Should().Be("\"a\ufffd\\\"\"");
    }
}
