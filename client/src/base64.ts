/** As many bytes as `String.fromCharCode` surely takes for arguments. */
const mostAtOnce = 8_192;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += mostAtOnce) {
    text += String.fromCharCode(...bytes.subarray(start, start + mostAtOnce));
  }
  return btoa(text);
}

/** Throws where the text is no base64. */
export function fromBase64(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
}
