import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createGzip } from 'node:zlib'
import { sameBytes, sha256, startSha256 } from '../ground/encoding.ts'
import type { Secrets } from '../ground/secrets.ts'

/**
 * A file in parts, packed by gzip: each part is its length (four bytes), a letter, and that many bytes. The first is
 * JSON that says what the file is and names the secret of the last, a MAC over all before it. So one that was cut off
 * or changed, or that somebody without the secret has made, is told from a whole one before anything of it is used.
 */
export type Part =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }

/** What the first part of every such file says. */
export type Heading = { readonly gatewright: string; readonly format: number; readonly secret: string }

/** The file is not what was asked for. The message says what it is, and that nothing was touched. */
export class BadFile extends Error {
  override readonly name = 'BadFile'
}

const letters = { json: 0x4a, bytes: 0x42, mac: 0x4d } as const
const prefixLength = 5
/** More than any part is written with; what claims to be longer is none. */
const longestPart = 256 * 1024 * 1024

const toFrame = (letter: number, content: Buffer): Buffer => {
  // What would not be read must not be taken for a backup.
  if (prefixLength + content.length > longestPart)
    throw new Error(`one row is too large for a backup of ours (${content.length} bytes): use pg_dump`)
  const frame = Buffer.allocUnsafe(prefixLength + content.length)
  frame.writeUInt32BE(content.length)
  frame[4] = letter
  content.copy(frame, prefixLength)
  return frame
}

const encode = (part: Part): Buffer =>
  part.kind === 'json'
    ? toFrame(letters.json, Buffer.from(JSON.stringify(part.value)))
    : toFrame(letters.bytes, part.bytes)

type Macs = Pick<Secrets, 'mac' | 'ids'>

/** Fingerprints of texts are made by the same key, and somebody may choose such a text: none has a NUL. */
const asFile = Buffer.from('file\0')

const macOf = ({ mac }: Macs, secretId: string, digest: Buffer): Buffer => {
  const made = mac('backup', secretId, Buffer.concat([asFile, digest]))
  if (made === undefined) throw new TypeError(`the secret ${secretId} is not held`)
  return made
}

async function* encodeAll(secrets: Macs, secretId: string, parts: AsyncIterable<Part>) {
  const hash = startSha256()
  for await (const part of parts) {
    const frame = encode(part)
    hash.add(frame)
    yield frame
  }
  yield toFrame(letters.mac, macOf(secrets, secretId, hash.end()))
}

/** Writes all parts and the MAC, and waits until they are on the disk. */
export const writeParts = async (
  file: FileHandle,
  secrets: Macs,
  secretId: string,
  parts: AsyncIterable<Part>,
): Promise<void> => {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED })
  await pipeline(Readable.from(encodeAll(secrets, secretId, parts)), gzip, async packed => {
    for await (const chunk of packed) await file.writeFile(chunk as Buffer)
  })
  await file.sync()
}

type Frame = { readonly letter: number; readonly content: Buffer; readonly whole: Buffer }

const cutOff = (): BadFile => new BadFile('it is cut off or was changed')

async function* toFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let held: Buffer[] = []
  let length = 0
  let needed = prefixLength
  for await (const chunk of chunks) {
    held.push(chunk)
    length += chunk.length
    while (length >= needed) {
      const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held)
      const end = prefixLength + all.readUInt32BE()
      if (end > longestPart) throw cutOff()
      held = [all]
      needed = end
      if (all.length < end) break
      yield { letter: all[4] ?? 0, content: all.subarray(prefixLength, end), whole: all.subarray(0, end) }
      held = [all.subarray(end)]
      length = all.length - end
      needed = prefixLength
    }
  }
  if (length > 0) throw cutOff()
}

/** What gunzip says of a file that is none of its kind, or is cut off. */
const isOfZlib = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')

async function* unpack(path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  const unpacked = new PassThrough()
  const done = pipeline(createReadStream(path), gunzip, unpacked).catch(error => unpacked.destroy(error))
  try {
    for await (const chunk of unpacked) yield chunk as Buffer
    await done
  } catch (error) {
    throw isOfZlib(error) ? cutOff() : error
  } finally {
    unpacked.destroy()
  }
}

const parseJson = (content: Buffer): unknown => {
  try {
    return JSON.parse(content.toString())
  } catch {
    throw cutOff()
  }
}

const isHeading = (value: unknown): value is Heading =>
  typeof value === 'object' &&
  value !== null &&
  'gatewright' in value &&
  typeof value.gatewright === 'string' &&
  'format' in value &&
  typeof value.format === 'number' &&
  'secret' in value &&
  typeof value.secret === 'string'

const formatKnown = 1

const checkHeading = (value: unknown, secrets: Macs, wanted: string): Heading => {
  if (!isHeading(value) || value.gatewright !== wanted)
    throw new BadFile(`it is no ${wanted} file of Gatewright`)
  if (value.format > formatKnown)
    throw new BadFile('it was made by a newer version of Gatewright: use that one')
  if (!secrets.ids.includes(value.secret))
    throw new BadFile(
      `it was made with the secret ${value.secret}, which GATEWRIGHT_SECRET does not hold: add that secret behind the present one and a comma`,
    )
  return value
}

const toPart = ({ letter, content }: Frame): Part => {
  if (letter === letters.json) return { kind: 'json', value: parseJson(content) }
  if (letter === letters.bytes) return { kind: 'bytes', bytes: content }
  throw cutOff()
}

const gzipMagic = Buffer.from([0x1f, 0x8b])

async function* readFrames(path: string, wanted: string): AsyncGenerator<Frame> {
  const file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close())
  if (bytesRead < 2 || !buffer.equals(gzipMagic)) throw new BadFile(`it is no ${wanted} file of Gatewright`)
  yield* toFrames(unpack(path))
}

/** What is known of a file that was read to its end, and is one of ours. */
export type Proven = {
  readonly heading: Heading
  /** Of its parts, in order. */
  readonly hashes: readonly string[]
}

/** Nothing of it is used before, nor read as JSON, but the heading. @throws BadFile */
export const proveFile = async (path: string, secrets: Macs, wanted: string): Promise<Proven> => {
  const hash = startSha256()
  const hashes: string[] = []
  let heading: Heading | undefined
  let mac: Buffer | undefined
  for await (const { letter, content, whole } of readFrames(path, wanted)) {
    if (mac !== undefined) throw cutOff()
    if (letter === letters.mac) {
      mac = content
      continue
    }
    hash.add(whole)
    hashes.push(sha256(whole))
    heading ??= checkHeading(letter === letters.json && parseJson(content), secrets, wanted)
  }
  if (heading === undefined || mac === undefined) throw cutOff()
  if (!sameBytes(mac, macOf(secrets, heading.secret, hash.end()))) throw cutOff()
  return { heading, hashes }
}

/**
 * Gives every part behind the first. Whoever may change the file while it is read gets nothing by it: a part that is
 * not the one that was proved is never given.
 * @throws BadFile
 */
export async function* readParts(path: string, { heading, hashes }: Proven): AsyncGenerator<Part> {
  let at = 0
  for await (const frame of readFrames(path, heading.gatewright)) {
    if (at === hashes.length && frame.letter === letters.mac) return
    if (sha256(frame.whole) !== hashes[at]) throw cutOff()
    if (at > 0) yield toPart(frame)
    at += 1
  }
  throw cutOff()
}
