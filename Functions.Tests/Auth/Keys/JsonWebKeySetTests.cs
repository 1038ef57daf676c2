using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Auth.Keys;

public sealed class JsonWebKeySetTests
{
    private static readonly JsonObject _ec = SigningKey.Ec("elliptic").Jwk;
    private static readonly JsonObject _rsa = SigningKey.Rsa("rivest").Jwk;

    public static TheoryData<string, string> BadEcKeys => new()
    {
        { """{"crv":"P-384"}""", "its curve" },
        { """{"crv":"secp256k1"}""", "its curve" },
        { """{"crv":null}""", "its curve" },
        { """{"x":null}""", "32 bytes" },
        { """{"x":""}""", "32 bytes" },
        { """{"y":"AAAA"}""", "32 bytes" },
        { """{"y":["AAAA"]}""", "32 bytes" },
        { $$"""{"x":"{{new string('A', 43)}}","y":"{{new string('A', 43)}}"}""", "no point" },
        { $$"""{"x":"{{new string('A', 42)}}E"}""", "no point" },
        { $$"""{"x":"{{Convert.ToBase64String(new byte[32])}}"}""", "32 bytes" },
        { """{"kty":"OKP"}""", "neither RSA nor EC" },
        { """{"kty":"ec"}""", "neither RSA nor EC" },
        { """{"kty":"RSA"}""", "'n' and 'e'" },
        { """{"kty":7}""", "neither RSA nor EC" },
        { """{"kty":"oct","k":"c2VjcmV0"}""", "shared secret" },
        { """{"d":"c2VjcmV0"}""", "private" },
        { """{"k":"c2VjcmV0"}""", "private" },
        { """{"alg":"HS256"}""", "'alg' is not ES256" },
        { """{"alg":"RS256"}""", "'alg' is not ES256" },
        { """{"alg":"ECDH-ES"}""", "'alg' is not ES256" },
        { """{"alg":null}""", "'alg' is not ES256" },
        { """{"use":"enc"}""", "'use'" },
        { """{"use":["sig"]}""", "'use'" },
        { """{"key_ops":["sign"]}""", "'key_ops'" },
        { """{"key_ops":[]}""", "'key_ops'" },
        { """{"key_ops":"verify"}""", "'key_ops'" },
        { """{"kid":7}""", "'kid'" },
        { """{"kid":null}""", "'kid'" },
        { $$"""{"kid":"{{new string('k', 257)}}"}""", "'kid'" },
    };

    public static TheoryData<string, string> BadRsaKeys => new()
    {
        { """{"n":null}""", "'n' and 'e'" },
        { """{"n":""}""", "'n' and 'e'" },
        { """{"n":"AAEC"}""", "'n' and 'e'" },
        { """{"n":"AQAB"}""", "17 bits" },
        { $$"""{"n":"{{Number(2047)}}"}""", "2047 bits" },
        { $$"""{"n":"{{Number(8193)}}"}""", "8193 bits" },
        { $$"""{"n":"{{Number(2048, odd: false)}}"}""", "odd" },
        { """{"e":"AQ"}""", "exponent" },
        { """{"e":"Aw"}""", "exponent" },
        { """{"e":"AQAA"}""", "exponent" },
        { """{"e":"AQABAAEB"}""", "exponent" },
        { """{"e":"AAEAAQ"}""", "'n' and 'e'" },
        { """{"e":"AQAB="}""", "'n' and 'e'" },
        { """{"e":65537}""", "'n' and 'e'" },
        { """{"alg":"PS256"}""", "'alg' is not RS256" },
        { """{"alg":"RSA-OAEP"}""", "'alg' is not RS256" },
        { """{"p":"AQAB"}""", "private" },
    };

    public static TheoryData<string> NoSets => new(
        "", "null", "[]", "{}", "7", "keys", "<html></html>", """{"keys":{}}""", """{"keys":null}""", """{"keys":"all"}""", """{"keys":[""", """{"keys":[]}x""",
        """{"keys":[],"keys":[]}""", """{"keys":[{"kty":"EC","kty":"RSA"}]}""", """{"keys":[{"kid":"\ud800"}]}""", """{"keys":[],}""", """{"keys":[]/**/}""", "\uFEFF{\"keys\":[]}",
        "{\"keys\":[" + new string('[', 20_000) + new string(']', 20_000) + "]}",
        "{\"keys\":[" + string.Join(',', Enumerable.Repeat("{}", 51)) + "]}",
        "{\"keys\":[]" + new string(' ', JsonWebKeySet.MaxBytes) + "}");

    [Theory]
    [MemberData(nameof(BadEcKeys))]
    public void An_EC_key_that_cannot_be_used_is_left_out_with_its_reason(string change, string reason) => ExpectLeftOut(_ec, change, reason);

    [Theory]
    [MemberData(nameof(BadRsaKeys))]
    public void An_RSA_key_that_cannot_be_used_is_left_out_with_its_reason(string change, string reason) => ExpectLeftOut(_rsa, change, reason);

    [Theory]
    [InlineData("""{"use":"sig","alg":"ES256","key_ops":["verify"],"ext":true,"x5t":"AAAA","x5c":["MIIB"]}""")]
    [InlineData("""{"key_ops":["sign","verify"]}""")]
    [InlineData("""{"kid":""}""")]
    [InlineData("""{"unknown":{"nested":[1]}}""")]
    public void What_a_key_says_besides_does_no_harm(string change) =>
        Read(SigningKey.SetOf(Changed(_ec, change))).Unusable.Should().BeEmpty();

    [Fact]
    public void A_key_that_is_no_object_spoils_no_other()
    {
        var set = Read($$"""{"keys":[null,7,"key",[],{},{{_ec.ToJsonString()}},{{_rsa.ToJsonString()}}]}""");

        set.Keys.Select(key => key.Algorithm).Should().Equal("ES256", "RS256");
        set.Unusable.Should().HaveCount(5);
        set.Unusable[0].Should().Be("key 1: it is no JSON object");
    }

    [Theory]
    [MemberData(nameof(NoSets))]
    public void Text_that_is_not_strictly_a_set_is_none(string text)
    {
        JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text), out var reason).Should().BeNull();
        reason.Should().NotBeEmpty();
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_no_set()
    {
        byte[] bytes = [.. """{"keys":[{"kid":" """u8, 0xFF, .. "\"}]}"u8];
        JsonWebKeySet.Read(bytes, out _).Should().BeNull();
    }

    [Fact]
    public void Fifty_keys_are_a_set_and_none_are_too()
    {
        var fifty = Enumerable.Range(0, 50).Select(number => Changed(_ec, $$"""{"kid":"{{number}}"}""")).ToArray();
        Read(SigningKey.SetOf(fifty)).Keys.Should().HaveCount(50);
        Read("""{"keys":[],"more":true}""").Keys.Should().BeEmpty();
    }

    [Fact]
    public void Keys_that_share_a_kid_are_left_out_and_the_others_stay()
    {
        var set = Read(SigningKey.SetOf(_ec, _rsa, SigningKey.Ec("elliptic").Jwk, SigningKey.Ec("other").Jwk));

        set.Keys.Select(key => key.Id).Should().Equal("rivest", "other");
        set.Unusable.Should().Equal("key 1: another key of the set has the same 'kid', or both have none", "key 3: another key of the set has the same 'kid', or both have none");
        set.Choose("ES256", "elliptic").Should().Be(KeyChoice.None(TokenError.UnknownKey));
    }

    [Fact]
    public void A_key_on_another_curve_is_never_made_though_its_coordinates_would_fit()
    {
        // P-256's x with another y: what an attack on the curve would publish.
        var point = ECDsa.Create(ECCurve.NamedCurves.nistP256).ExportParameters(includePrivateParameters: false).Q;
        point.Y![31] ^= 1;
        ExpectLeftOut(_ec, $$"""{"x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""", "no point");
    }

    private static void ExpectLeftOut(JsonObject jwk, string change, string reason)
    {
        var set = Read(SigningKey.SetOf(Changed(jwk, change), SigningKey.Ec("good").Jwk));

        set.Keys.Select(key => key.Id).Should().Equal("good");
        set.Unusable.Should().ContainSingle().Which.Should().StartWith("key 1: ").And.Contain(reason).And.NotContain("c2VjcmV0");
    }

    private static JsonWebKeySet Read(string text)
    {
        var set = JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text), out var reason);
        set.Should().NotBeNull(reason);
        return set!;
    }

    private static JsonObject Changed(JsonObject jwk, string change)
    {
        var changed = (JsonObject)jwk.DeepClone();
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
        {
            changed[name] = value?.DeepClone();
        }

        return changed;
    }

    private static string Number(int bits, bool odd = true)
    {
        var bytes = new byte[(bits + 7) / 8];
        bytes[0] = (byte)(1 << ((bits - 1) % 8));
        bytes[^1] |= odd ? (byte)1 : (byte)0;
        return Base64Url.EncodeToString(bytes);
    }
}
