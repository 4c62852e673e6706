import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { top } from '../top.ts'
import { getRelease, type Release } from './plan.ts'

/*
 * `npm run release:image`: builds the image of a version tag, and gives it to the registry under the names of the plan,
 * with its labels, how it was built (provenance) and what is in it (SBOM). Its digest is handed on (GITHUB_OUTPUT).
 * A builder of Docker's that can write both is there before: `docker buildx create --use`.
 */

type Environment = Readonly<Record<string, string | undefined>>

/** The run that builds, as the provenance names it; by hand there is none. */
const builderOf = ({ GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }: Environment): string =>
  GITHUB_SERVER_URL && GITHUB_REPOSITORY && GITHUB_RUN_ID
    ? `,builder-id=${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`
    : ''

/** What fills the labels; the Dockerfile has an ARG for each. */
export const toBuildArguments = (
  { version, revision }: Pick<Release, 'version' | 'revision'>,
  created: string,
) => ({
  VERSION: version,
  REVISION: revision,
  CREATED: created,
})

const digestIn = (file: string): string => {
  const digest: unknown = existsSync(file) && JSON.parse(readFileSync(file, 'utf8'))['containerimage.digest']
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest
  throw new Error('docker has told no digest')
}

/** @returns the digest. @throws where the image was not built and taken by the registry as a whole */
export const releaseImage = (release: Release, created: string, env: Environment): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-image-'))
  const told = join(folder, 'metadata.json')
  const given = Object.entries(toBuildArguments(release, created))
  const words = [
    ...['buildx', 'build', '--platform=linux/amd64', '--push', `--metadata-file=${told}`],
    ...release.tags.map(tag => `--tag=${tag}`),
    ...given.map(([name, value]) => `--build-arg=${name}=${value}`),
    ...[`--attest=type=provenance,mode=max${builderOf(env)}`, '--attest=type=sbom', top],
  ]
  try {
    const { status } = spawnSync('docker', words, { env, stdio: 'inherit' })
    if (status !== 0) throw new Error(`docker buildx build ended with ${status}`)
    return digestIn(told)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const main = (): void => {
  const line = `digest=${releaseImage(getRelease(), new Date().toISOString(), process.env)}`
  console.log(line)
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `${line}\n`)
}

if (import.meta.main) main()
