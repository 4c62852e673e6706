import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { top } from './top.ts'

/** Path from the top of the repository, with slashes → text. A plain map, so that a test can write its own. */
export type Sources = ReadonlyMap<string, string>

/** One import, export-from, `import()` or `import('…')` type. */
export type Import = {
  /** As written; undefined where it is computed and so can't be known before the program runs. */
  readonly specifier: string | undefined
  readonly line: number
}

type Source = {
  readonly imports: readonly Import[]
  /** The program alone: comments and the insides of texts are blank, lines stay where they are. */
  readonly code: string
  readonly comments: readonly { readonly text: string; readonly line: number }[]
}

type Span = { readonly start: number; readonly end: number }

export const readSources = (): Sources =>
  new Map(
    globSync('{packages,apps,tools,test,bench}/**/*.{ts,tsx,mts,js,mjs}', {
      cwd: top,
      exclude: ['**/node_modules/**', '**/dist/**', '**/data/**', 'packages/gatewright/console/**'],
    })
      .sort()
      .map(path => [path, readFileSync(join(top, path), 'utf8')]),
  )

/** Throws a SyntaxError that names the file: a file that can't be read can't be checked. */
export const parseSource = (path: string, text: string): Source => {
  const { program, comments, errors } = parseSync(path, text)
  const [error] = errors
  if (error) throw new SyntaxError(`${path}: ${error.message}`)

  const specifiers: Span[] = []
  const texts: Span[] = []
  new Visitor({
    ImportDeclaration: node => specifiers.push(node.source),
    ExportAllDeclaration: node => specifiers.push(node.source),
    ExportNamedDeclaration: node => node.source && specifiers.push(node.source),
    ImportExpression: node => specifiers.push(node.source),
    TSImportType: node => specifiers.push(node.source),
    Literal: node => (typeof node.value === 'string' || 'regex' in node) && texts.push(inside(node)),
    TemplateElement: node => texts.push(inside(node)),
  }).visit(program)

  const lineOf = (span: Span): number => text.slice(0, span.start).split('\n').length
  return {
    imports: specifiers.map(span => ({
      specifier: toSpecifier(text.slice(span.start, span.end)),
      line: lineOf(span),
    })),
    code: blank(text, [...comments, ...texts]),
    comments: comments.map(comment => ({ text: comment.value, line: lineOf(comment) })),
  }
}

const toSpecifier = (written: string): string | undefined => /^(['"`])([^'"`$\\]*)\1$/.exec(written)?.[2]

const inside = ({ start, end }: Span): Span => ({ start: start + 1, end: end - 1 })

const blank = (text: string, spans: readonly Span[]): string => {
  let rest = 0
  let result = ''
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(rest, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ')
    rest = end
  }
  return result + text.slice(rest)
}
