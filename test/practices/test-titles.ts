import { type Argument, parseSync, Visitor } from 'oxc-parser'
import type { Sources } from '../../tools/sources.ts'

const testFunctions = ['describe', 'it', 'suite', 'test']

/** A test, or a group of tests: its title, and the titles that it stands in (`outer › inner`). */
type Titled = { readonly title: string; readonly path: string }

/**
 * The titles of all tests: each by itself, and with those that it stands in (`outer › inner`). What a
 * title gets only at run time is written `…`. A test that is called in another way, such as `test.skip`,
 * is not listed.
 */
export const listTitles = (sources: Sources): ReadonlySet<string> =>
  new Set(
    [...sources].flatMap(([path, text]) =>
      /\.test\.ts$/.test(path) ? listTests(path, text).flatMap(test => [test.title, test.path]) : [],
    ),
  )

/** The tests and groups of one file, in their order. */
export const listTests = (path: string, text: string): readonly Titled[] => {
  const titles: Titled[] = []
  const around: { readonly title: string; readonly end: number }[] = []
  new Visitor({
    CallExpression: ({ callee, arguments: [title], start, end }) => {
      if (callee.type !== 'Identifier' || !testFunctions.includes(callee.name)) return
      const name = title && toTitle(title)
      if (name === undefined) return
      while ((around.at(-1)?.end ?? Number.POSITIVE_INFINITY) < start) around.pop()
      around.push({ title: name, end })
      titles.push({ title: name, path: around.map(part => part.title).join(' › ') })
    },
  }).visit(parseSync(path, text).program)
  return titles
}

const toTitle = (argument: Argument): string | undefined => {
  if (argument.type === 'TemplateLiteral') return argument.quasis.map(({ value }) => value.cooked).join('…')
  return argument.type === 'Literal' && typeof argument.value === 'string' ? argument.value : undefined
}
