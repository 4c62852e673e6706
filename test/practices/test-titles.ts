import { parseSync, Visitor } from 'oxc-parser'
import type { Sources } from '../../tools/sources.ts'

const testFunctions = ['describe', 'it', 'suite', 'test']

/**
 * The titles of all tests: each by itself, and with those that it stands in (`outer › inner`). A title
 * that is put together at run time is not listed, nor is a test that is called in another way, such as
 * `test.skip`.
 */
export const listTitles = (sources: Sources): ReadonlySet<string> =>
  new Set([...sources].flatMap(([path, text]) => (/\.test\.ts$/.test(path) ? titlesOf(path, text) : [])))

const titlesOf = (path: string, text: string): readonly string[] => {
  const titles: string[] = []
  const around: { readonly title: string; readonly end: number }[] = []
  new Visitor({
    CallExpression: ({ callee, arguments: [title], start, end }) => {
      if (callee.type !== 'Identifier' || !testFunctions.includes(callee.name)) return
      if (title?.type !== 'Literal' || typeof title.value !== 'string') return
      while ((around.at(-1)?.end ?? Number.POSITIVE_INFINITY) < start) around.pop()
      around.push({ title: title.value, end })
      titles.push(title.value, around.map(part => part.title).join(' › '))
    },
  }).visit(parseSync(path, text).program)
  return titles
}
