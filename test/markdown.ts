import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The top folder of the repository. */
export const top = join(import.meta.dirname, '..')

export const readDocument = (path: string): string => readFileSync(join(top, path), 'utf8')

/** Every page of the repository, by its path from the top. */
export const listDocuments = (): readonly string[] =>
  globSync('**/*.md', { cwd: top, exclude: ['**/node_modules/**', '**/data/**'] }).sort()

/** A fenced block of code. */
export type Block = { readonly language: string; readonly text: string; readonly line: number }

const fences = /^```(\w*)\n(.*?)^```$/gms

export const readBlocks = (markdown: string): readonly Block[] =>
  [...markdown.matchAll(fences)].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: markdown.slice(0, index).split('\n').length,
  }))

const withoutBlocks = (markdown: string): string => markdown.replaceAll(fences, '')

export type Heading = { readonly level: number; readonly title: string; readonly slug: string }

/** The name under which GitHub lets a heading be linked to. */
const toSlug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')

export const readHeadings = (markdown: string): readonly Heading[] =>
  [...withoutBlocks(markdown).matchAll(/^(#+) (.+)$/gm)].map(({ 1: marks = '', 2: title = '' }) => ({
    level: marks.length,
    title,
    slug: toSlug(title),
  }))

const withoutCode = (markdown: string): string => withoutBlocks(markdown).replaceAll(/`[^`\n]*`/g, '')

/** Where links and pictures lead, as written. */
export const readLinks = (markdown: string): readonly string[] =>
  [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)

/** What stands between backquotes, outside of blocks. */
export const readCodeWords = (markdown: string): readonly string[] =>
  [...withoutBlocks(markdown).matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word)

const partOf = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\n).*?(<!-- end of ${name} -->)`, 's')

/** What stands between the two comments of that name. */
export const readPart = (markdown: string, name: string): string => {
  const [whole = '', begin = '', end = ''] = partOf(name).exec(markdown) ?? []
  if (whole === '') throw new Error(`the comments around "${name}" are missing`)
  return whole.slice(begin.length, -end.length)
}

/** The document at `path` with its parts as the code has them. `UPDATE_DOCS=1` writes it. */
export const withParts = (path: string, parts: Readonly<Record<string, string>>): string => {
  const document = Object.entries(parts).reduce(
    (text, [name, part]) => text.replace(partOf(name), (_, begin, end) => `${begin}\n${part}\n\n${end}`),
    readDocument(path),
  )
  if (process.env.UPDATE_DOCS === '1') writeFileSync(join(top, path), document)
  return document
}

export const toTable = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    `| ${heads.join(' | ')} |`,
    `|${'---|'.repeat(heads.length)}`,
    ...rows.map(cells => `| ${cells.join(' | ')} |`.replaceAll('  ', ' ')),
  ].join('\n')
