import { createReadStream } from 'node:fs'

/**
 * The lines of a file, as they come: parted at a line feed and nowhere else. `node:readline` also parts at U+2028,
 * which JSON lets stand in a text: whoever may choose a name could make an export that nobody can verify.
 */
export async function* readLines(file: string): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    rest += chunk
    if (!chunk.includes('\n')) continue
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield line.trim()
  }
  if (rest !== '') yield rest.trim()
}
