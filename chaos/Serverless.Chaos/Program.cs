using Serverless.Chaos;

// 0: nothing was lost. 1: something was. 2: the arguments make no sense.
if (Settings.Parse(args) is not { } settings)
{
    Console.Error.WriteLine("./dev chaos [--minutes N] [--seed S]: a number of minutes, and a whole number.");
    return 2;
}

return await new ChaosRun(settings).RunAsync() ? 0 : 1;
