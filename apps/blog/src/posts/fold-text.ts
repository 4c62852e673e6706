/**
 * The bytes of a text, with A to Z as a to z; every other character is only itself. What a folded text
 * includes, it holds literally: in UTF-8 no character begins within another.
 *
 *     foldText('Up to 100%').includes(foldText('TO 100%')) // true
 */
export const foldText = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    if (byte >= 0x41 && byte <= 0x5a) bytes[at] = byte + 0x20
  }
  return bytes
}
