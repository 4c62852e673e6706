import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads'
import pg from 'pg'

type Row = Record<string, unknown>
type Query = { readonly text: string; readonly values: readonly unknown[] }
type Answer = { readonly rows?: Row[]; readonly error?: Error }

/** A connection whose queries hold up this thread until they are answered, as `node:sqlite`'s do. */
export type BlockingClient = {
  readonly query: (text: string, ...values: readonly unknown[]) => Row[]
  readonly close: () => void
}

type Thread = { readonly url: string; readonly port: MessagePort; readonly signal: Int32Array }

/** The worker's part: one query after the other. */
const answerQueries = ({ url, port, signal }: Thread): void => {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number)
  const client = new pg.Client(url)
  const connected = client.connect()
  // A database that its test drops takes the connection with it.
  client.on('error', () => {})
  port.on('message', async (data: Query) => {
    const answer: Answer = await connected
      .then(() => client.query<Row>(data.text, [...data.values]))
      .then(
        ({ rows }) => ({ rows }),
        (error: Error) => ({ error }),
      )
    port.postMessage(answer)
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
  })
}

/** `?` as SQLite takes it, as `$1` and so on. */
const numbered = (text: string): string => {
  let count = 0
  return text.replaceAll('?', () => `$${++count}`)
}

const longestQuery = 30_000

export const openBlockingClient = (url: string): BlockingClient => {
  const { port1, port2 } = new MessageChannel()
  const signal = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { thread: { url, port: port2, signal } },
    transferList: [port2],
  })
  worker.unref()
  return {
    query: (text, ...values) => {
      Atomics.store(signal, 0, 0)
      port1.postMessage({ text: numbered(text), values })
      Atomics.wait(signal, 0, 0, longestQuery)
      const answer = receiveMessageOnPort(port1)?.message as Answer | undefined
      if (answer?.rows === undefined) throw answer?.error ?? new Error(`no answer in time to: ${text}`)
      return answer.rows
    },
    close: () => {
      port1.close()
      void worker.terminate()
    },
  }
}

const thread = (workerData as { readonly thread?: Thread } | null)?.thread
if (thread !== undefined) answerQueries(thread)
