import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { top } from '../top.ts'
import { readTags } from './tags.ts'

/*
 * `npm run release:plan`: what a version tag releases, checked before anything is built. In a workflow the same is
 * handed on to later steps (GITHUB_OUTPUT).
 */

export type Facts = {
  readonly tag: string
  /** `owner/name`, as the forge spells it. */
  readonly repository: string
  readonly revision: string
  /** The versions of what is released, by the path of its package.json. */
  readonly versions: Readonly<Record<string, string>>
  readonly changelog: string
  /** All of the repository; undefined where they can't be known here. */
  readonly tags: readonly string[] | undefined
}

export type Release = {
  readonly version: string
  readonly isPreview: boolean
  /** Final, and nothing higher is there: what somebody gets who names no version, and what is deployed. */
  readonly isLatest: boolean
  /** The name under which the registry of packages keeps it. */
  readonly distTag: string
  readonly image: string
  /** What the image is called, each in full. */
  readonly tags: readonly string[]
  readonly revision: string
  readonly notes: string
}

const tagForm = /^v((\d+)\.(\d+)\.\d+(-[0-9a-z.]+)?)$/
const repositoryForm = /^[\w.-]+\/[\w.-]+$/

/** The section of a version, without its heading. */
export const notesOf = (changelog: string, version: string): string | undefined => {
  const [, ...sections] = changelog.split(/^## /m)
  const section = sections.find(text => /^\[?([^\]\s]+)/.exec(text)?.[1] === version)
  const notes = section?.replace(/^.*\n/, '').trim()
  return notes === '' ? undefined : notes
}

/** Those of final versions that come after this one: of any line, or of `major.minor` alone. */
const findHigher = ({ tag, tags = [] }: Facts, line = ''): readonly string[] => {
  const own = toNumbers(tag)
  const isHigher = (numbers: readonly number[]): boolean => {
    const at = numbers.findIndex((number, index) => number !== own[index])
    return at !== -1 && (numbers[at] ?? 0) > (own[at] ?? 0)
  }
  return tags.filter(
    each => /^v\d+\.\d+\.\d+$/.test(each) && each.startsWith(`v${line}`) && isHigher(toNumbers(each)),
  )
}

const toNumbers = (tag: string): readonly number[] =>
  /^v([\d.]+)/.exec(tag)?.[1]?.split('.').map(Number) ?? []

const problemsOf = ({ tag, repository, revision, versions, changelog, tags }: Facts): readonly string[] => {
  const version = tagForm.exec(tag)?.[1]
  if (version === undefined)
    return [`the tag is not v<major>.<minor>.<patch>: ${JSON.stringify(tag.slice(0, 40))}`]
  const others = Object.entries(versions).filter(([, each]) => each !== version)
  return [
    ...others.map(([path, each]) => `${path} has version ${each}, and the tag is ${tag}`),
    ...(notesOf(changelog, version) === undefined ? [`CHANGELOG.md has nothing under "## ${version}"`] : []),
    ...(repositoryForm.test(repository) ? [] : ['GITHUB_REPOSITORY is not <owner>/<name>']),
    ...(/^[0-9a-f]{40}$/.test(revision) ? [] : ['GITHUB_SHA is no commit']),
    ...(tags?.includes(tag)
      ? []
      : [`not every tag is here, or not ${tag}: run git fetch --unshallow --tags`]),
  ]
}

/** What is released, or why nothing is. "latest" and "1.2" follow final versions only, and never go back. */
export const planRelease = (facts: Facts): Release | readonly string[] => {
  const problems = problemsOf(facts)
  if (problems.length > 0) return problems
  const [, version = '', major, minor, preview] = tagForm.exec(facts.tag) ?? []
  // Registries of images take lower case only.
  const image = `ghcr.io/${facts.repository.toLowerCase()}`
  const line = `${major}.${minor}`
  const isPreview = preview !== undefined
  const isLatest = !isPreview && findHigher(facts).length === 0
  const isLatestOfLine = !isPreview && findHigher(facts, `${line}.`).length === 0
  const names = [version, ...(isLatestOfLine ? [line] : []), ...(isLatest ? ['latest'] : [])]
  return {
    version,
    isPreview,
    isLatest,
    // A version, such as 1.1, is no name there.
    distTag: isPreview ? 'next' : isLatest ? 'latest' : `release-${line}`,
    image,
    tags: names.map(name => `${image}:${name}`),
    revision: facts.revision,
    notes: notesOf(facts.changelog, version) ?? '',
  }
}

const read = (path: string): string => readFileSync(join(top, path), 'utf8')
const released = [
  'package.json',
  'packages/gatewright/package.json',
  'packages/verifier/package.json',
] as const

export const readFacts = (environment: Readonly<Record<string, string | undefined>>): Facts => ({
  tag: environment.GITHUB_REF_NAME ?? '',
  repository: environment.GITHUB_REPOSITORY ?? '',
  revision: environment.GITHUB_SHA ?? '',
  versions: Object.fromEntries(released.map(path => [path, JSON.parse(read(path)).version as string])),
  changelog: read('CHANGELOG.md'),
  tags: readTags(top),
})

/** The plan, or the end of this process with what is wrong. */
export const getRelease = (): Release => {
  const release = planRelease(readFacts(process.env))
  if ('version' in release) return release
  for (const problem of release) console.error(`release: ${problem}`)
  process.exit(1)
}

const main = ({ version, image, tags, revision, isLatest }: Release): void => {
  const lines = [
    `version=${version}`,
    `image=${image}`,
    `tags=${tags.join(',')}`,
    `revision=${revision}`,
    `latest=${isLatest}`,
  ]
  console.log(lines.join('\n'))
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `${lines.join('\n')}\n`)
}

if (import.meta.main) main(getRelease())
