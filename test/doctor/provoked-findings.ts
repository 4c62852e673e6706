import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { top } from '../markdown.ts'
import { provokedElsewhere } from './provoked-elsewhere.ts'

const folder = join(top, 'packages/gatewright/src/upkeep')

/** Files of which a test file of their own watches the findings. */
export const certificateChecks = ['certificate-check.ts', 'certificate-rules.ts', 'served-certificate.ts']

/** Every file that finds something, but those. */
export const otherChecks = readdirSync(folder).filter(
  file => !/\.test\.ts$|^finding\.ts$/.test(file) && !certificateChecks.includes(file),
)

/** A place in a check that finds something: where a test has to have been. */
type Site = { readonly file: string; readonly line: number; readonly offset: number; readonly text: string }

const listSites = (file: string): readonly Site[] => {
  const source = readFileSync(join(folder, file), 'utf8')
  return [...source.matchAll(/\b(?:problem|warning)\(\{/g)].map(({ index: offset }) => ({
    file,
    line: source.slice(0, offset).split('\n').length,
    offset,
    text: source.slice(offset, source.indexOf('})', offset)),
  }))
}

const isProvokedElsewhere = ({ file, text }: Site): boolean =>
  provokedElsewhere.some(([of, says]) => of === file && text.includes(says))

/** How often the code at that place ran: as the smallest block around it did. */
const countAt = (functions: readonly Profiler.FunctionCoverage[], offset: number): number => {
  const around = functions
    .flatMap(({ ranges }) => ranges)
    .filter(({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset)
    .toSorted((one, other) => one.endOffset - one.startOffset - (other.endOffset - other.startOffset))
  return around[0]?.count ?? 0
}

/** Looks from now on which findings this process makes. V8 knows what ran. */
export const watchFindings = async () => {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return {
    /** Fails where a place of these files has found nothing since, and is provoked by no other test either. */
    assertProvoked: async (files: readonly string[]): Promise<void> => {
      const { result } = await session.post('Profiler.takePreciseCoverage')
      session.disconnect()
      const functionsOf = (file: string) =>
        result.find(({ url }) => url === pathToFileURL(join(folder, file)).href)?.functions ?? []
      const missed = files
        .flatMap(listSites)
        .filter(site => countAt(functionsOf(site.file), site.offset) === 0 && !isProvokedElsewhere(site))
        .map(({ file, line }) => `${file}:${line}`)
      assert.deepEqual(missed, [], 'findings that no test provokes')
    },
  }
}
