import { parentPort, workerData } from 'node:worker_threads'
import { type ModelName, type Run, runModel, type Shown } from './models.ts'
import { openStage } from './stage.ts'

/** What a thread of its own is asked for. */
export type Asked = Run & { readonly name: ModelName; readonly processes: number }

const { name, processes, ...run } = workerData as Asked
const every = 50

const stage = await openStage(processes)
const tell = (shown: Shown): void => parentPort?.postMessage(shown)
try {
  tell(await runModel(stage, name, run, shown => shown.histories % every === 0 && tell(shown)))
} finally {
  await stage.close()
}
