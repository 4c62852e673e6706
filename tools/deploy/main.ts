import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { top } from '../top.ts'
import {
  awaitRollout,
  type Cluster,
  findRunning,
  goBack,
  migrate,
  type Running,
  setImage,
} from './cluster.ts'
import { type Plan, readPlan } from './plan.ts'
import { runProgram } from './run-program.ts'

/*
 * `npm run deploy`: brings an image to a cluster, waits for it, goes the way of a user through the public address, and
 * goes back to the former version where that fails. Exit codes: 0 it runs; 1 it does not, and the former version does;
 * 2 the environment is not right; 3 neither does: somebody has to look at once.
 */

const say = (line: string): void => console.log(`deploy: ${line}`)

const commandLine = join(top, 'packages/gatewright/src/cli/main.ts')

/** Once: a failure that comes and goes is a node of several that is broken. */
const smoke = async ({ url, mount, account }: Plan): Promise<boolean> => {
  const words = [
    ...['smoke', '--url', url],
    ...(mount === undefined ? [] : ['--mount', mount]),
    ...(account === undefined ? [] : ['--username', account.username, '--password-stdin']),
  ]
  const input = account === undefined ? '' : `${account.password}\n`
  return (await runProgram(process.execPath, [commandLine, ...words], { input })).code === 0
}

const isWell = async (cluster: Cluster, plan: Plan): Promise<boolean> => {
  if (!(await awaitRollout(cluster))) {
    say('the roll-out did not come to its end')
    return false
  }
  return smoke(plan)
}

const returnTo = async (cluster: Cluster, plan: Plan, former: Running): Promise<1 | 3> => {
  say(`going back to ${former.image} (revision ${former.revision})`)
  const isBack = (await goBack(cluster, former)) && (await isWell(cluster, plan))
  say(
    isBack
      ? 'the former version runs, and its smoke test passed'
      : 'THE FORMER VERSION FAILS AS WELL: look at once',
  )
  return isBack ? 1 : 3
}

const deploy = async (cluster: Cluster, plan: Plan): Promise<0 | 1 | 3> => {
  const former = await findRunning(cluster)
  if (former === undefined) {
    say('there is no deployment/gatewright to change: docs/kubernetes.md says how to make the first one')
    return 1
  }
  say(`${former.image} runs (revision ${former.revision})`)
  if (!(await migrate(cluster, plan.image))) {
    say('the migration failed: what ran goes on, nothing was changed but what it says')
    return 1
  }
  // One that was refused or lost its answer may have been done all the same: then nobody would look at what it does.
  if ((await setImage(cluster, plan.image)) && (await isWell(cluster, plan))) {
    say(`${plan.image} runs, and its smoke test passed`)
    return 0
  }
  if (former.image !== plan.image) return returnTo(cluster, plan, former)
  say('THIS VERSION RAN BEFORE AND FAILS NOW: look at once')
  return 3
}

/** A workflow has the file of the cluster as a secret, in the environment. */
const withKubeconfig = async <T>(use: (kubeconfig?: string) => Promise<T>): Promise<T> => {
  const content = process.env.KUBECONFIG_CONTENT
  if (!content) return use()
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-deploy-'))
  try {
    const file = join(folder, 'config')
    writeFileSync(file, content, { mode: 0o600 })
    return await use(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const main = async (): Promise<number> => {
  const plan = readPlan(process.env)
  if (!('image' in plan)) {
    for (const problem of plan) console.error(`deploy: ${problem}`)
    return 2
  }
  const { namespace, timeout } = plan
  return withKubeconfig(kubeconfig =>
    deploy({ namespace, timeout, ...(kubeconfig !== undefined && { kubeconfig }) }, plan),
  )
}

process.exitCode = await main()
