import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseDocument } from 'yaml'
import { top } from '../top.ts'
import { type Ended, runProgram } from './run-program.ts'

/** As deploy/kubernetes names them. */
const deployment = 'deployment/gatewright'
const container = 'gatewright'
const job = 'gatewright-migrate'

export type Cluster = {
  readonly namespace: string
  readonly timeout: string
  /** The file that kubectl finds the cluster by; its own default without one. */
  readonly kubeconfig?: string
}

/** What runs, and the number by which it can be gone back to. */
export type Running = { readonly image: string; readonly revision: string }

const kubectl = (
  { namespace, kubeconfig }: Cluster,
  words: readonly string[],
  { input, isRead }: { readonly input?: string; readonly isRead?: boolean } = {},
): Promise<Ended> =>
  runProgram('kubectl', ['--namespace', namespace, ...words], {
    ...(input !== undefined && { input }),
    ...(isRead !== undefined && { isRead }),
    ...(kubeconfig !== undefined && { env: { KUBECONFIG: kubeconfig } }),
  })

const isDone = async (cluster: Cluster, words: readonly string[], input?: string): Promise<boolean> =>
  (await kubectl(cluster, words, { ...(input !== undefined && { input }) })).code === 0

/** Undefined where there is no such deployment, or the cluster does not answer; kubectl has said which. */
export const findRunning = async (cluster: Cluster): Promise<Running | undefined> => {
  const imagePath = `{.spec.template.spec.containers[?(@.name=="${container}")].image}`
  const revisionPath = '{.metadata.annotations.deployment\\.kubernetes\\.io/revision}'
  const words = ['get', deployment, '--output', `jsonpath=${imagePath} ${revisionPath}`]
  const { code, stdout } = await kubectl(cluster, words, { isRead: true })
  const [image = '', revision = ''] = stdout.trim().split(' ')
  return code === 0 && image !== '' && /^\d+$/.test(revision) ? { image, revision } : undefined
}

/** The job of deploy/kubernetes, of another image; kubectl takes none of another namespace than the one it is told. */
const jobOf = ({ namespace }: Cluster, image: string): string => {
  const manifest = parseDocument(readFileSync(join(top, 'deploy/kubernetes/migrate-job.yaml'), 'utf8'))
  manifest.setIn(['metadata', 'namespace'], namespace)
  manifest.setIn(['spec', 'template', 'spec', 'containers', 0, 'image'], image)
  return manifest.toString()
}

const toMilliseconds = (time: string): number =>
  Number.parseInt(time, 10) * (time.endsWith('m') ? 60_000 : 1_000)

/** `kubectl wait` would wait out its time for a job that has failed. */
const waitForJob = async (cluster: Cluster): Promise<boolean> => {
  const end = Date.now() + toMilliseconds(cluster.timeout)
  const path = '{.status.conditions[?(@.status=="True")].type}'
  for (; Date.now() < end; await delay(1_000)) {
    const { stdout } = await kubectl(cluster, ['get', `job/${job}`, '--output', `jsonpath=${path}`], {
      isRead: true,
    })
    if (/\bComplete\b/.test(stdout)) return true
    if (/\bFailed\b/.test(stdout)) return false
  }
  return false
}

/** Brings the tables up to date, by a job of the new image. The version that runs goes on with them. */
export const migrate = async (cluster: Cluster, image: string): Promise<boolean> =>
  (await isDone(cluster, ['delete', 'job', job, '--ignore-not-found', '--wait=true'])) &&
  (await isDone(cluster, ['create', '--filename', '-'], jobOf(cluster, image))) &&
  (await waitForJob(cluster))

export const setImage = (cluster: Cluster, image: string): Promise<boolean> =>
  isDone(cluster, ['set', 'image', deployment, `${container}=${image}`])

/** Waits until all that runs is of the image last set. */
export const awaitRollout = (cluster: Cluster): Promise<boolean> =>
  isDone(cluster, ['rollout', 'status', deployment, `--timeout=${cluster.timeout}`])

/** To a number, and not "the one before": that could be another one by now. */
export const goBack = (cluster: Cluster, { revision }: Running): Promise<boolean> =>
  isDone(cluster, ['rollout', 'undo', deployment, `--to-revision=${revision}`])
