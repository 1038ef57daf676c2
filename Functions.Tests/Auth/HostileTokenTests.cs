using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Auth;

/// <summary>Tokens made by somebody who knows the public keys and has no private one.</summary>
public sealed class HostileTokenTests : IAsyncLifetime
{
    private static readonly RSA _rsaPair = RSA.Create(2048);
    private static readonly ECDsa _ecPair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly SigningKey _rsa = SigningKey.Rsa("rivest", _rsaPair);
    private static readonly SigningKey _ec = SigningKey.Ec("elliptic", _ecPair);

    private readonly AuthDomain _auth = AuthDomain.WithKeys(_rsa, _ec);

    public static TheoryData<string, byte[]> PublicBytes => new()
    {
        { "the set's text", Encoding.UTF8.GetBytes(SigningKey.SetOf(_rsa, _ec)) },
        { "the JWK's text", Encoding.UTF8.GetBytes(_rsa.Jwk.ToJsonString()) },
        { "the PEM file", Encoding.UTF8.GetBytes(_rsaPair.ExportSubjectPublicKeyInfoPem()) },
        { "the PEM file with its last line end", Encoding.UTF8.GetBytes(_rsaPair.ExportSubjectPublicKeyInfoPem() + "\n") },
        { "the PKCS #1 PEM file", Encoding.UTF8.GetBytes(_rsaPair.ExportRSAPublicKeyPem()) },
        { "the DER", _rsaPair.ExportSubjectPublicKeyInfo() },
        { "the modulus", _rsaPair.ExportParameters(includePrivateParameters: false).Modulus! },
        { "the EC key's DER", _ecPair.ExportSubjectPublicKeyInfo() },
        { "nothing", [] },
    };

    public static TheoryData<string> OwnKeys => new("jwk", "jku", "x5u", "x5c");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _auth.DisposeAsync().AsTask();

    [Theory]
    [MemberData(nameof(PublicBytes))]
    public async Task What_is_public_is_no_secret_for_HS256(string what, byte[] secret)
    {
        foreach (var header in new object[] { new { alg = "HS256" }, new { alg = "HS256", kid = "rivest" }, new { alg = "HS256", kid = "elliptic" } })
        {
            (await _auth.VerifyAsync(Tokens.Join(header, Good(), signed => HMACSHA256.HashData(secret, signed)))).Should().Be(TokenError.BadSignature, "the secret was {0}", what);
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("HS512")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    [InlineData("ES256K")]
    [InlineData("EdDSA")]
    [InlineData("es256")]
    [InlineData("RS256 ")]
    public async Task Any_other_algorithm_is_refused_signed_or_not(string alg)
    {
        foreach (var kid in new[] { "rivest", "elliptic" })
        {
            (await _auth.VerifyAsync(Tokens.Join(new { alg, kid }, Good(), _ => []))).Should().Be(TokenError.UnsupportedAlgorithm);
            (await _auth.VerifyAsync(_ec.Sign(Good(), new { alg, kid }))).Should().Be(TokenError.UnsupportedAlgorithm);
            (await _auth.VerifyAsync(_rsa.Sign(Good(), new { alg, kid }))).Should().Be(TokenError.UnsupportedAlgorithm);
        }
    }

    [Theory]
    [InlineData("""{"kid":"elliptic"}""")]
    [InlineData("""{"alg":null,"kid":"elliptic"}""")]
    [InlineData("""{"alg":["ES256"],"kid":"elliptic"}""")]
    [InlineData("""{"alg":256,"kid":"elliptic"}""")]
    public async Task An_algorithm_that_is_no_text_is_none(string header) =>
        (await _auth.VerifyAsync(_ec.Sign(Good(), header))).Should().Be(TokenError.UnsupportedAlgorithm);

    [Fact]
    public async Task A_key_is_not_used_with_another_keys_algorithm()
    {
        (await _auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid = "rivest" }))).Should().Be(TokenError.UnfitKey);
        (await _auth.VerifyAsync(_rsa.Sign(Good(), new { alg = "RS256", kid = "elliptic" }))).Should().Be(TokenError.UnfitKey);
        (await _auth.VerifyAsync(_ec.Sign(Good(), new { alg = "RS256", kid = "rivest" }))).Should().Be(TokenError.BadSignature);
        (await _auth.VerifyAsync(_rsa.Sign(Good(), new { alg = "ES256", kid = "elliptic" }))).Should().Be(TokenError.BadSignature);
        (await _auth.VerifyAsync(Tokens.Sign(new { alg = "ES256", kid = "elliptic" }, Good()))).Should().Be(TokenError.BadSignature, "the secret signs HS256 only");
    }

    [Fact]
    public async Task The_RSA_key_does_not_take_another_padding()
    {
        var token = Tokens.Join(_rsa.Header(), Good(), signed => _rsaPair.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        (await _auth.VerifyAsync(token)).Should().Be(TokenError.BadSignature);
        token = Tokens.Join(_rsa.Header(), Good(), signed => _rsaPair.SignData(signed, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
        (await _auth.VerifyAsync(token)).Should().Be(TokenError.BadSignature);
    }

    [Theory]
    [MemberData(nameof(OwnKeys))]
    public async Task A_token_cannot_bring_its_key(string member)
    {
        var stranger = SigningKey.Ec("elliptic");
        JsonNode value = member switch
        {
            "jwk" => stranger.Jwk,
            "x5c" => new JsonArray("MIIB"),
            _ => "https://stranger.example/jwks.json",
        };

        foreach (var (key, header) in new[] { (stranger, stranger.Header()), (stranger, new JsonObject { ["alg"] = "ES256" }), (_ec, _ec.Header()), (_rsa, _rsa.Header()) })
        {
            header[member] = value.DeepClone();
            (await _auth.VerifyAsync(key.Sign(Good(), header))).Should().Be(TokenError.KeyInToken);
        }

        var none = new JsonObject { ["alg"] = "none", [member] = value.DeepClone() };
        (await _auth.VerifyAsync(Tokens.Join(none, Good(), _ => []))).Should().Be(TokenError.UnsupportedAlgorithm);
        (await _auth.VerifyAsync(stranger.Token())).Should().Be(TokenError.BadSignature, "a name is no key");
    }

    [Theory]
    [InlineData("null")]
    [InlineData("0")]
    [InlineData("[\"elliptic\"]")]
    [InlineData("{}")]
    [InlineData("\"\\ud800\"")]
    public async Task A_kid_that_is_no_text_is_malformed(string kid) =>
        (await _auth.VerifyAsync(_ec.Sign(Good(), $$"""{"alg":"ES256","kid":{{kid}}}"""))).Should().Be(TokenError.Malformed);

    [Theory]
    [InlineData("")]
    [InlineData("../../../../dev/null")]
    [InlineData("x' union select 'secret' --")]
    [InlineData("elliptic\0")]
    [InlineData(" elliptic")]
    public async Task A_kid_is_a_name_and_nothing_more(string kid) =>
        (await _auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid }))).Should().Be(TokenError.UnknownKey);

    [Fact]
    public async Task An_ES256_signature_is_r_and_s_in_64_bytes_and_neither_is_zero()
    {
        var signature = Base64Url.DecodeFromChars(_ec.Sign(Good()).Split('.')[2]);
        var (r, s) = (signature[..32], signature[32..]);
        var (zero, order) = (new byte[32], Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"));

        byte[][] bad =
        [
            [], [0], new byte[63], new byte[64], new byte[65], new byte[96],
            [.. zero, .. s], [.. r, .. zero], [.. order, .. order], [.. order, .. s], [.. r, .. order],
            [.. s, .. r], [.. r, .. s, 0], [0, .. r, .. s], [.. r, .. s[..31]],
            [.. Enumerable.Repeat((byte)0xFF, 64)],
        ];
        foreach (var forged in bad)
        {
            (await _auth.VerifyAsync(Tokens.Join(_ec.Header(), Good(), _ => forged))).Should().Be(TokenError.BadSignature, "the signature was {0}", Convert.ToHexString(forged));
        }

        var der = Tokens.Join(_ec.Header(), Good(), signed => _ecPair.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        (await _auth.VerifyAsync(der)).Should().Be(TokenError.BadSignature);
    }

    [Fact]
    public async Task An_RS256_signature_has_the_length_of_the_modulus()
    {
        var signature = Base64Url.DecodeFromChars(_rsa.Sign(Good()).Split('.')[2]);
        var modulus = _rsaPair.ExportParameters(includePrivateParameters: false).Modulus!;

        byte[][] bad = [[], [0], [1], new byte[256], modulus, [0, .. signature], [.. signature, 0], signature[1..], [.. Enumerable.Repeat((byte)0xFF, 256)]];
        foreach (var forged in bad)
        {
            (await _auth.VerifyAsync(Tokens.Join(_rsa.Header(), Good(), _ => forged))).Should().Be(TokenError.BadSignature, "the signature was {0}", Convert.ToHexString(forged));
        }
    }

    [Fact]
    public async Task A_token_in_a_token_is_not_opened()
    {
        var inner = _ec.Token("service_role");

        (await _auth.VerifyAsync(_ec.Sign(inner))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(_ec.Sign(inner, new { alg = "ES256", kid = "elliptic", cty = "JWT" }))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(_ec.Sign($"\"{inner}\""))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync($"{inner}.{inner}")).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAA.AAAA.AAAA")).Should().Be(TokenError.Malformed, "nothing encrypted is taken");
    }

    [Fact]
    public async Task Deep_nesting_is_refused_in_either_part()
    {
        var deep = new string('[', 3000) + new string(']', 3000);
        (await _auth.VerifyAsync(_ec.Sign($$"""{"role":"anon","exp":4102444800,"x":{{deep}}}"""))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(_ec.Sign(Good(), $$"""{"alg":"ES256","kid":"elliptic","x":{{deep}}}"""))).Should().Be(TokenError.Malformed);
    }

    [Fact]
    public async Task A_huge_token_is_refused_unread()
    {
        (await _auth.VerifyAsync(_ec.Sign(new { role = "anon", exp = Tokens.Expiry(), pad = new string('x', 20_000) }))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid = new string('x', 20_000) }))).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(new string('a', 10_000_000) + ".e30.AAAA")).Should().Be(TokenError.Malformed);
    }

    [Theory]
    [InlineData("""{"alg":"ES256","kid":"elliptic","alg":"none"}""")]
    [InlineData("""{"alg":"ES256","kid":"elliptic","kid":"rivest"}""")]
    [InlineData("""{"alg":"ES256","kid":"elliptic","crit":["exp"]}""")]
    [InlineData("""{"alg":"ES256","kid":"elliptic","b64":false,"crit":["b64"]}""")]
    [InlineData("""{"alg":"ES256","kid":"elliptic",}""")]
    [InlineData("""{"alg":"ES256",/**/"kid":"elliptic"}""")]
    public async Task A_header_that_is_not_plain_is_malformed(string header) =>
        (await _auth.VerifyAsync(_ec.Sign(Good(), header))).Should().Be(TokenError.Malformed);

    [Fact]
    public async Task A_signature_has_one_spelling()
    {
        var token = _ec.Token();
        (await _auth.VerifyAsync(token)).Should().Be(TokenError.None);
        (await _auth.VerifyAsync(token + "==")).Should().Be(TokenError.Malformed);
        (await _auth.VerifyAsync(token + "\n")).Should().Be(TokenError.Malformed);

        // 64 bytes leave four bits over in the last letter, and those are zero.
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (await _auth.VerifyAsync(token[..^1] + Alphabet[Alphabet.IndexOf(token[^1], StringComparison.Ordinal) + 1])).Should().Be(TokenError.Malformed);
    }

    [Fact]
    public async Task No_letter_of_a_token_can_be_another()
    {
        foreach (var key in new[] { _ec, _rsa })
        {
            var token = key.Token();
            for (var place = 0; place < token.Length; place++)
            {
                var altered = token[..place] + (token[place] == 'A' ? 'B' : 'A') + token[(place + 1)..];
                (await _auth.VerifyAsync(altered)).Should().NotBe(TokenError.None, "letter {0} was altered", place);
            }
        }
    }

    private static object Good() => new { role = "service_role", exp = Tokens.Expiry() };
}
