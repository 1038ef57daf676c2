using Npgsql;

namespace Serverless.Database;

public sealed class ConnectionTextTests
{
    [Theory]
    [InlineData("Host=db;Port=5433;Database=app;Username=me;Password=\"a;b=c\"")]
    [InlineData("postgres://me:a%3Bb%3Dc@db:5433/app")]
    [InlineData("postgresql://me:a%3Bb%3Dc@db:5433/app")]
    public void Both_forms_name_the_same_database(string text)
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionText.ToNpgsql(text));

        (settings.Host, settings.Port, settings.Database, settings.Username, settings.Password).Should().Be(("db", 5433, "app", "me", "a;b=c"));
    }

    [Theory]
    [InlineData("postgres://me@db", null)]
    [InlineData("postgres://me@db/", null)]
    [InlineData("postgres://db/app", "app")]
    public void A_url_may_leave_out_what_has_a_default(string url, string? database)
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionText.ToNpgsql(url));

        (settings.Host, settings.Port, settings.Database, settings.Password).Should().Be(("db", 5432, database, null));
    }

    [Fact]
    public void A_urls_options_are_those_of_libpq()
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionText.ToNpgsql("postgres://me@[::1]/app?sslmode=verify-full&connect_timeout=7&application_name=a%20b"));

        settings.Host.Should().Be("::1");
        (settings.SslMode, settings.Timeout, settings.ApplicationName).Should().Be((SslMode.VerifyFull, 7, "a b"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("app")]
    [InlineData("Hostt=x;Database=app")]
    [InlineData("Host=x;Port=many")]
    [InlineData("Host=x;SSL Mode=perhaps")]
    [InlineData("Database=app;Username=me")]
    [InlineData("Host=x;Password=a;b=c")]
    [InlineData("postgres:///app")]
    [InlineData("postgres://me@db:port/app")]
    [InlineData("postgres://me@db/app?sslmode=perhaps")]
    [InlineData("postgres://me@db/app?colour=blue")]
    [InlineData("mysql://me@db/app")]
    public void Anything_else_is_neither(string text) => ConnectionText.ToNpgsql(text).Should().BeNull();
}
