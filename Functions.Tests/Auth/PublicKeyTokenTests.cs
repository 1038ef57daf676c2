using System.Text.Json.Nodes;
using Serverless.Support;

namespace Serverless.Auth;

/// <summary>Tokens signed with a private key, whose public half is configured.</summary>
public sealed class PublicKeyTokenTests
{
    private const string Issuer = "https://auth.example.com/auth/v1";

    // RFC 7515 appendices A.2 and A.3. Their payload has no role and ended in 2011; that it is read at all says that the signature holds.
    private const string RfcPayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    private const string RfcRsaKey =
        """
        {"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}
        """;

    private const string RfcRsaSignature =
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    private const string RfcEcKey =
        """{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}""";

    private const string RfcEcSignature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    private static readonly SigningKey _ec = SigningKey.Ec("elliptic");
    private static readonly SigningKey _rsa = SigningKey.Rsa("rivest");

    [Theory]
    [InlineData(RfcRsaKey, "eyJhbGciOiJSUzI1NiJ9", RfcRsaSignature)]
    [InlineData(RfcEcKey, "eyJhbGciOiJFUzI1NiJ9", RfcEcSignature)]
    public async Task The_examples_of_RFC_7515_hold_and_altered_ones_do_not(string key, string header, string signature)
    {
        await using var auth = new AuthDomain(TimeProvider.System, ("Realtime:Jwks", $$"""{"keys":[{{key}}]}"""));

        (await auth.VerifyAsync($"{header}.{RfcPayload}.{signature}")).Should().Be(TokenError.MissingClaims);
        (await auth.VerifyAsync($"{header}.{Altered(RfcPayload)}.{signature}")).Should().Be(TokenError.BadSignature);
        (await auth.VerifyAsync($"{header}.{RfcPayload}.{Altered(signature)}")).Should().Be(TokenError.BadSignature);
    }

    [Fact]
    public async Task A_token_of_either_kind_gives_its_caller_beside_those_of_the_secret()
    {
        await using var auth = AuthDomain.WithKeys(_ec, _rsa);

        foreach (var key in new[] { _ec, _rsa })
        {
            var verifying = auth.Verifier.VerifyAsync(key.Token("authenticated", "ada"), CancellationToken.None).AsTask();
            verifying.IsCompletedSuccessfully.Should().BeTrue("there is nothing to wait for");
            var (error, caller) = await verifying;
            error.Should().Be(TokenError.None);
            (caller!.Role, caller.Subject).Should().Be(("authenticated", "ada"));
        }

        (await auth.VerifyAsync(Tokens.For("anon"))).Should().Be(TokenError.None);
    }

    [Fact]
    public async Task A_token_without_a_kid_is_tried_with_the_only_key_that_fits_and_never_with_one_of_several()
    {
        var nameless = new JsonObject { ["alg"] = "ES256" };
        await using var one = AuthDomain.WithKeys(_ec, _rsa);
        (await one.VerifyAsync(_ec.Sign(Good(), nameless))).Should().Be(TokenError.None);

        await using var two = AuthDomain.WithKeys(_ec, SigningKey.Ec("another"));
        (await two.VerifyAsync(_ec.Sign(Good(), nameless))).Should().Be(TokenError.UnfitKey);

        await using var none = AuthDomain.WithKeys(_rsa);
        (await none.VerifyAsync(_ec.Sign(Good(), nameless))).Should().Be(TokenError.UnknownKey);
    }

    [Fact]
    public async Task A_kid_chooses_and_nothing_else_is_tried()
    {
        await using var auth = AuthDomain.WithKeys(_ec, SigningKey.Ec("another"), SigningKey.Ec(null));

        (await auth.VerifyAsync(_ec.Token())).Should().Be(TokenError.None);
        (await auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid = "another" }))).Should().Be(TokenError.BadSignature);
        (await auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid = "nobody" }))).Should().Be(TokenError.UnknownKey);
        (await auth.VerifyAsync(_ec.Sign(Good(), new { alg = "ES256", kid = "ELLIPTIC" }))).Should().Be(TokenError.UnknownKey);
    }

    [Fact]
    public async Task A_kid_that_an_RSA_and_an_EC_key_share_chooses_by_the_algorithm()
    {
        var (ec, rsa) = (SigningKey.Ec("both"), SigningKey.Rsa("both"));
        await using var auth = AuthDomain.WithKeys(ec, rsa);

        (await auth.VerifyAsync(ec.Token())).Should().Be(TokenError.None);
        (await auth.VerifyAsync(rsa.Token())).Should().Be(TokenError.None);
    }

    [Fact]
    public async Task Without_keys_the_algorithms_are_not_accepted()
    {
        await using var auth = new AuthDomain(TimeProvider.System);

        (await auth.VerifyAsync(_ec.Token())).Should().Be(TokenError.UnsupportedAlgorithm);
        (await auth.VerifyAsync(_rsa.Token())).Should().Be(TokenError.UnsupportedAlgorithm);
    }

    [Theory]
    [InlineData("\"authenticated\"", TokenError.None)]
    [InlineData("""["other","authenticated"]""", TokenError.None)]
    [InlineData("""[7,"authenticated"]""", TokenError.None)]
    [InlineData("\"Authenticated\"", TokenError.WrongAudience)]
    [InlineData("\"authenticated \"", TokenError.WrongAudience)]
    [InlineData("""["other"]""", TokenError.WrongAudience)]
    [InlineData("[]", TokenError.WrongAudience)]
    [InlineData("""[["authenticated"]]""", TokenError.WrongAudience)]
    [InlineData("""{"authenticated":true}""", TokenError.WrongAudience)]
    [InlineData("null", TokenError.WrongAudience)]
    public async Task The_audience_is_named_alone_or_among_others(string audience, object expected)
    {
        await using var auth = WithIssuerAndAudience();
        (await auth.VerifyAsync(_ec.Sign($$"""{"role":"anon","exp":4102444800,"iss":"{{Issuer}}","aud":{{audience}}}"""))).Should().Be((TokenError)expected);
    }

    [Theory]
    [InlineData($"\"{Issuer}\"", TokenError.None)]
    [InlineData($"\"{Issuer}/\"", TokenError.WrongIssuer)]
    [InlineData("\"https://auth.example.com\"", TokenError.WrongIssuer)]
    [InlineData($"[\"{Issuer}\"]", TokenError.WrongIssuer)]
    [InlineData("null", TokenError.WrongIssuer)]
    public async Task The_issuer_is_the_same_to_the_letter(string issuer, object expected)
    {
        await using var auth = WithIssuerAndAudience();
        (await auth.VerifyAsync(_ec.Sign($$"""{"role":"anon","exp":4102444800,"iss":{{issuer}},"aud":"authenticated"}"""))).Should().Be((TokenError)expected);
    }

    [Fact]
    public async Task Neither_is_asked_of_an_API_key_and_both_must_be_there_in_the_others()
    {
        await using var auth = WithIssuerAndAudience();

        (await auth.VerifyAsync(Tokens.For("anon"))).Should().Be(TokenError.None);
        (await auth.VerifyAsync(_ec.Sign(Good()))).Should().Be(TokenError.WrongIssuer);
        (await auth.VerifyAsync(_ec.Sign(new { role = "anon", exp = Tokens.Expiry(), iss = Issuer }))).Should().Be(TokenError.WrongAudience);
    }

    [Fact]
    public async Task Time_and_role_are_asked_as_of_any_token()
    {
        await using var auth = AuthDomain.WithKeys(_ec);

        (await auth.VerifyAsync(_ec.Sign(new { role = "anon", exp = Tokens.Expiry(TimeSpan.FromSeconds(-1)) }))).Should().Be(TokenError.Expired);
        (await auth.VerifyAsync(_ec.Sign(new { role = "anon", exp = Tokens.Expiry(), nbf = Tokens.Expiry(TimeSpan.FromMinutes(1)) }))).Should().Be(TokenError.NotYetValid);
        (await auth.VerifyAsync(_ec.Sign(new { exp = Tokens.Expiry() }))).Should().Be(TokenError.MissingClaims);
    }

    private static object Good() => new { role = "anon", exp = Tokens.Expiry() };

    private static AuthDomain WithIssuerAndAudience() => new(
        TimeProvider.System, ("Realtime:Jwks", SigningKey.SetOf(_ec)), ("Realtime:JwtIssuer", Issuer), ("Realtime:JwtAudience", "authenticated"));

    // Another letter in the middle; at the end it could be one whose spare bits are not canonical.
    private static string Altered(string text) => text[..20] + (text[20] == 'A' ? 'B' : 'A') + text[21..];
}
