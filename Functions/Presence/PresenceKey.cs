using Serverless.Calls;

namespace Serverless.Presence;

/// <summary>What a client may be called while it is present.</summary>
internal static class PresenceKey
{
    public const int MaxLength = 255;

    /// <summary>Names that a JavaScript object has without having been given them.</summary>
    /// <remarks>supabase-js keeps members in such an object and takes these for members who are there already: one member so called breaks presence for everybody on the topic.</remarks>
    private static readonly HashSet<string> _inEveryObject = new(StringComparer.Ordinal)
    {
        "__proto__", "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
        "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",

        // Not of every object, but supabase-js takes a payload that has it for a row change.
        "ids",
    };

    /// <returns>Why it may not be called so; null where it may.</returns>
    public static ErrorAnswer? Check(string key) => key switch
    {
        { Length: 0 } => Invalid("The presence key is empty. Leave it out to be given a random one."),
        { Length: > MaxLength } => Invalid($"The presence key is {key.Length} characters long; at most {MaxLength} are accepted."),
        _ when key.Any(char.IsControl) => Invalid("The presence key holds a control character."),
        _ when _inEveryObject.Contains(key) => Invalid($"'{key}' cannot be a presence key: JavaScript clients take it for something else. Choose another."),
        _ => null,
    };

    private static ErrorAnswer Invalid(string message) => ErrorAnswer.BadRequest("InvalidPresenceKey", message);
}
