import type { KyselyPlugin } from 'kysely'
import { systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { reSeal } from '../../packages/gatewright/src/processes/re-seal.ts'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import type { Work } from '../../packages/gatewright/src/storage/transaction.ts'

/** Moves what is sealed to the first secret, and kills itself before or after its n-th statement. */
const [url = '', texts = '', last = '', when = ''] = process.argv.slice(2)

let statement = 0
const dieAt = (moment: string): void => {
  if (moment === when && statement === Number(last)) process.kill(process.pid, 'SIGKILL')
}
const deadly: KyselyPlugin = {
  transformQuery: ({ node }) => {
    statement++
    dieAt('before')
    return node
  },
  transformResult: async ({ result }) => {
    dieAt('after')
    return result
  },
}

const db = openDatabase(url, { durability: 'off' }).withPlugin(deadly)
const secrets = createSecrets(texts.split(','), systemRandom)
const hold = async (work: Work): Promise<string> =>
  (await work.db.selectFrom('installation').select('secret_id').forNoKeyUpdate().executeTakeFirstOrThrow())
    .secret_id
const moved = await reSeal({ db, secrets, hold, batch: 2 }, secrets.newestId)
await db.destroy()
process.stdout.write(JSON.stringify({ moved, statement }))
