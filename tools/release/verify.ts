import { spawnSync } from 'node:child_process'

/*
 * `npm run release:verify`: whether the image of IMAGE was built by the release workflow of GITHUB_REPOSITORY from a
 * version tag, by the attestation that was signed there. What nobody can prove the origin of is not deployed.
 * The name of the workflow is not enough: on a branch whoever may push one says what it does.
 */

const { IMAGE = '', GITHUB_REPOSITORY: repository = '' } = process.env

const problem =
  (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$/.test(IMAGE) &&
    'IMAGE: write an image by its digest, such as ghcr.io/example/gatewright@sha256:…') ||
  (!/^[\w.-]+\/[\w.-]+$/.test(repository) && 'GITHUB_REPOSITORY: write <owner>/<name>')

const verify = (): number => {
  const workflow = `https://github.com/${repository}/.github/workflows/release.yml`
  const identity = `^${workflow.replaceAll('.', '\\.')}@refs/tags/v[0-9]`
  const words = ['attestation', 'verify', `oci://${IMAGE}`, '--repo', repository]
  return (
    spawnSync('gh', [...words, '--cert-identity-regex', identity, '--deny-self-hosted-runners'], {
      stdio: 'inherit',
    }).status ?? 1
  )
}

if (problem) console.error(`release: ${problem}`)
process.exitCode = problem ? 2 : verify()
