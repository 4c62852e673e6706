import { hour, mostApart } from '../ground/clock.ts'
import { type MailDependencies, queueMail } from '../mail/queue.ts'
import type { Processes } from '../processes/processes.ts'
import type { Work } from '../storage/transaction.ts'

/** One after the other: administrators are sent five such mails a day at most. */
const digestEvery = 5 * hour

/** The row of `unusual` that says when the next digest is due, or the last one was. */
const digest = { subject: '', pattern: 'digest' } as const

/** The time of the digest before; never behind what is told now, whose clock may be behind the one of that digest. */
const sinceOf = (former: number | null, now: number): number => {
  if (former === null) return now - digestEvery
  return former > now ? now - mostApart : former
}

/**
 * Has the administrators told of what was raised: at once, or where they were told within the last hours, when these
 * are over; of everything until then in one mail. What it says is found out behind the answer (`mail/digest.ts`).
 */
export const queueDigest = async (
  dependencies: MailDependencies & { readonly processes: Pick<Processes, 'secretInForce'> },
  work: Work,
): Promise<void> => {
  const { clock, mail, processes } = dependencies
  if (!mail.isOn) return
  const now = clock.now()
  /** The last moment that one to come can be due: what is later was written by a clock that was ahead. */
  const furthest = now + digestEvery + 2 * mostApart
  const secretId = await processes.secretInForce(work)
  const row = await work.db
    .insertInto('unusual')
    .values({ ...digest, raised_at: now, former_at: null })
    .onConflict(conflict =>
      conflict
        .columns(['subject', 'pattern'])
        .doUpdateSet(eb => ({
          former_at: eb
            .case()
            .when('unusual.raised_at', '>', furthest)
            .then(null)
            .else(eb.ref('unusual.raised_at'))
            .end(),
          raised_at: eb
            .case()
            .when('unusual.raised_at', '<=', now - digestEvery)
            .then(now)
            .when('unusual.raised_at', '>', furthest)
            .then(now)
            .else(eb('unusual.raised_at', '+', digestEvery))
            .end(),
        }))
        // One that is still to come tells of this as well; one of a clock that is a little ahead may be sent by now.
        .where(eb =>
          eb.or([eb('unusual.raised_at', '<=', now + mostApart), eb('unusual.raised_at', '>', furthest)]),
        ),
    )
    .returning(['raised_at', 'former_at'])
    .executeTakeFirst()
  if (row === undefined) return
  const content = { ask: 'unusual-digest', email: '', since: sinceOf(row.former_at, now) } as const
  await queueMail(dependencies, work, { content, secretId, dueAt: row.raised_at })
}
