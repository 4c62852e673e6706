import type { FastifyInstance } from 'fastify'
import { findingKinds } from '../../access-review/finding.ts'
import { isAfter, keyOf, reviewAccess, usualUnusedFor } from '../../access-review/review.ts'
import { listSignOffs, noteExport, signOff } from '../../access-review/sign-off.ts'
import type { Engine } from '../../compose.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { shareForAWhile } from '../../revocation/share-for-a-while.ts'
import { toKeyedPage } from '../../storage/keyset.ts'
import { toFinding, toReview, toSignOff } from '../access-review-view.ts'
import { type ListName, readCursor, toCursorPage } from '../cursor.ts'
import { callerOf, originOf } from '../request.ts'
import {
  anyText,
  cursorPage,
  cursorQuery,
  flag,
  integer,
  list,
  madeUpId,
  named,
  strictObject,
  text,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { typed } from '../typed-app.ts'

const kind = { enum: findingKinds } as const
const subject = strictObject({ kind: anyText, id: anyText, name: anyText })

const findingSchema = named(
  'AccessFinding',
  strictObject({
    id: anyText,
    kind,
    text: anyText,
    subject,
    owner: { anyOf: [subject, { type: 'null' }] },
    role: textOrNull,
    granted: list(anyText),
    unused: list(anyText),
    others: list(anyText),
    since: textOrNull,
    last_used_at: textOrNull,
    ends_at: textOrNull,
    command: textOrNull,
    console: anyText,
  }),
)

const reviewSchema = named(
  'AccessReview',
  strictObject({
    at: timestamp,
    unused_for: anyText,
    uses_noted_since: timestamp,
    digest: anyText,
    complete: flag,
    total: integer,
    counts: list(strictObject({ kind, findings: integer, more: flag })),
  }),
)

/** A number of days, up to those that uses are kept for. */
const unusedFor = {
  type: 'string',
  pattern: '^([1-9]\\d?|[1-3]\\d{2}|400)d$',
  maxLength: 4,
  default: `${usualUnusedFor}d`,
} as const

const toDays = (text: string = unusedFor.default): number => Number.parseInt(text, 10)

const tag = 'Administration'

/** For people alone: a key that may read the audit log is for collecting it. */
const reads = { access: permission('audit:read'), limit: 'read', audit: 'none' } as const

const digestExample = 'anExampleOfADigestOfEverythingThatWasShown_'

export const findingExample = {
  id: madeUpId,
  kind: 'disabled-with-roles',
  text: 'bob is disabled and still has moderator: whoever enables the account gives all of it back.',
  subject: { kind: 'user', id: madeUpId, name: 'bob' },
  owner: null,
  role: null,
  granted: ['moderator'],
  unused: [],
  others: [],
  since: '2026-05-03T09:00:00.000Z',
  last_used_at: null,
  ends_at: null,
  command: 'gatewright user role bob user',
  console: `https://auth.example.com/console/admin/users/${madeUpId}`,
} as const

export const reviewExample = {
  at: '2026-11-22T12:00:00.000Z',
  unused_for: '90d',
  uses_noted_since: '2026-01-07T08:00:00.000Z',
  digest: digestExample,
  complete: true,
  total: 1,
  counts: [{ kind: 'disabled-with-roles', findings: 1, more: false }],
} as const

const reviewQuery = strictObject({ ...cursorQuery.properties, unused_for: unusedFor, kind }, [
  'cursor',
  'limit',
  'unused_for',
  'kind',
])

const reviewRoute = (app: FastifyInstance, engine: Engine): void => {
  const share = shareForAWhile(engine.clock, (days: number) => reviewAccess(engine, days))
  typed(app).get(
    '/admin/access-review',
    {
      config: {
        gate: reads,
        reference: {
          tag,
          summary:
            'The access review: what was granted and not used for so many days (`unused_for`, up to 400), and whatever else an auditor asks for; `kind` shows one kind of finding, counts and `digest` are of all. `complete` is false where there is more than is looked at',
          example: {
            query: { unused_for: '90d', kind: 'disabled-with-roles', limit: 20 },
            answer: { data: [findingExample], next_cursor: null, review: reviewExample },
          },
        },
      },
      schema: {
        querystring: reviewQuery,
        response: {
          200: strictObject({ ...cursorPage(findingSchema).properties, review: reviewSchema }),
        },
      },
    },
    async ({ query: { cursor, limit = 20, unused_for, kind: asked } }) => {
      const days = toDays(unused_for)
      const name: ListName = ['admin/access-review', { days, asked }]
      const after = readCursor(cursor, name, 'string')
      // The first page is as things are now; those behind it, soon after each other, are of one reading.
      const review = await (cursor === undefined ? reviewAccess(engine, days) : share(String(days), days))
      const rows = review.findings.filter(
        finding => (asked === undefined || finding.kind === asked) && isAfter(finding, after),
      )
      const page = toKeyedPage(rows, limit, finding => ({ key: keyOf(finding), id: finding.id }))
      return {
        ...toCursorPage(name, page, toFinding(engine.publicUrl, review)),
        review: toReview(review),
      }
    },
  )
}

/** The whole of it, a finding a line. */
const exportRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/access-review/export',
    {
      config: {
        page: true,
        gate: { ...reads, limit: 'export', audit: ['access-review.exported'] },
      },
      schema: { querystring: strictObject({ unused_for: unusedFor }, ['unused_for']) },
    },
    async (request, reply) => {
      const review = await reviewAccess(engine, toDays(request.query.unused_for))
      await noteExport(engine, review, originOf(request))
      const lines = [toReview(review), ...review.findings.map(toFinding(engine.publicUrl, review))]
      void reply.header('content-disposition', 'attachment; filename="access-review.jsonl"')
      return reply
        .type('application/x-ndjson; charset=utf-8')
        .send(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    },
  )
}

const signOffSchema = named(
  'AccessReviewSignOff',
  strictObject({
    at: timestamp,
    by: {
      anyOf: [strictObject({ id: textOrNull, name: anyText }), { type: 'null' }],
    },
    digest: anyText,
    unused_for: anyText,
    findings: integer,
    complete: flag,
    comment: textOrNull,
  }),
)

export const signOffExample = {
  at: '2026-11-22T12:00:00.000Z',
  by: { id: madeUpId, name: 'alice' },
  digest: digestExample,
  unused_for: '90d',
  findings: 1,
  complete: true,
  comment: 'bob comes back in January',
} as const

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/access-review/sign-offs',
    {
      config: {
        gate: reads,
        reference: {
          tag,
          summary: 'Access reviews that were signed off, the newest first, as long as the audit log has them',
          example: { answer: { data: [signOffExample] } },
        },
      },
      schema: { response: { 200: strictObject({ data: list(signOffSchema) }) } },
    },
    async () => ({ data: (await listSignOffs(engine.db)).map(toSignOff) }),
  )
}

/** Reading alone signs nothing: it takes a person, just signed in, who could change what the review shows. */
const signRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/admin/access-review/sign-offs',
    {
      config: {
        gate: {
          access: allOf(permission('audit:read'), permission('users:write'), recentSignIn()),
          limit: 'write',
          audit: ['access-review.signed-off'],
        },
        reference: {
          tag,
          summary:
            'Sign off the access review with the `digest` that was seen; 409 where there is something else to see by now',
          refusals: ['conflict'],
          example: {
            body: {
              digest: digestExample,
              unused_for: '90d',
              comment: 'bob comes back in January',
            },
            answer: signOffExample,
          },
        },
      },
      schema: {
        body: strictObject(
          {
            digest: { type: 'string', pattern: '^[\\w-]{43}$' },
            unused_for: unusedFor,
            comment: text(0, 2_000),
          },
          ['unused_for', 'comment'],
        ),
        response: { 201: signOffSchema },
      },
    },
    async (request, reply) => {
      const { digest, unused_for, comment } = request.body
      const signing = { digest, unusedFor: toDays(unused_for), comment }
      const signed = await signOff(engine, signing, originOf(request), callerOf(request))
      return reply.code(201).send(toSignOff(signed))
    },
  )
}

/** What auditors ask for, for whoever may read the audit log. */
export const accessReviewRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [reviewRoute, exportRoute, listRoute, signRoute]) add(app, engine)
}
