import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { toDeviceName } from '../../ground/device-name.ts'
import { listPasskeys } from '../../passkeys/passkeys.ts'
import { allOf, recentSignIn, signedIn } from '../../permissions/access-rule.ts'
import {
  type AddedPasskey,
  addOwnPasskey,
  askForNewPasskey,
  removeOwnPasskey,
  renameOwnPasskey,
} from '../../sign-in/own-passkeys.ts'
import type { PasskeyRow } from '../../storage/tables.ts'
import { addedAnswer, answerChanged, ownerOf, recoveryCodesExample } from '../changed-factors.ts'
import {
  creationOptions,
  creationOptionsExample,
  passkeyName,
  registrationExample,
  registrationResponse,
} from '../passkey-schemas.ts'
import { deviceOf, principalOf } from '../request.ts'
import {
  anyText,
  flag,
  idParams,
  list,
  madeUpId,
  madeUpPair,
  named,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { answerRenewed, csrfExample, renewedAnswer } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'

const passkeySchema = named(
  'Passkey',
  strictObject({
    id: anyText,
    name: anyText,
    created_at: timestamp,
    last_used_at: textOrNull,
    backed_up: flag,
    refused_since: textOrNull,
  }),
)

const toPasskeyView = (row: PasskeyRow) => ({
  id: row.id,
  name: row.name,
  created_at: toTimestamp(row.created_at),
  last_used_at: toTimestampOrNull(row.last_used_at),
  backed_up: row.backed_up === 1,
  refused_since: toTimestampOrNull(row.cloned_at),
})

const passkeyExample = {
  id: madeUpId,
  name: 'Laptop',
  created_at: '2026-11-21T12:00:00.000Z',
  last_used_at: null,
  backed_up: false,
  refused_since: null,
} as const

const freshly = allOf(signedIn(), recentSignIn())
const tag = 'Second factors'

const listRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/me/passkeys',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: { tag, summary: 'The own passkeys', example: { answer: { passkeys: [passkeyExample] } } },
      },
      schema: { response: { 200: strictObject({ passkeys: list(passkeySchema) }) } },
    },
    async request => ({
      passkeys: (await listPasskeys(engine.db, principalOf(request).userId)).map(toPasskeyView),
    }),
  )
}

const optionsRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/passkeys/options',
    {
      config: {
        gate: { access: freshly, limit: 'passkey-challenge', audit: 'none' },
        reference: {
          tag,
          summary: 'Options to make a passkey by, for this session',
          refusals: ['conflict'],
          example: { answer: creationOptionsExample },
        },
      },
      schema: { response: { 200: creationOptions } },
    },
    request => askForNewPasskey(engine, ownerOf(request)),
  )
}

const addRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/me/passkeys',
    {
      config: {
        gate: {
          access: freshly,
          limit: 'passkey-challenge',
          audit: ['second-factor.added', 'second-factor.failed', 'session.renewed', 'session.ended'],
        },
        reference: {
          tag,
          summary:
            'Add a passkey: a second factor, and a sign-in by itself. With the first factor come recovery codes, shown this once',
          refusals: ['conflict'],
          example: {
            body: { response: registrationExample, name: 'Laptop' },
            answer: { passkey: passkeyExample, ...madeUpPair, recovery_codes: recoveryCodesExample },
            answerToCookie: { passkey: passkeyExample, ...csrfExample, recovery_codes: recoveryCodesExample },
          },
        },
      },
      schema: {
        body: strictObject({ response: registrationResponse, name: passkeyName }, ['name']),
        response: { 200: addedAnswer({ passkey: passkeySchema }) },
      },
    },
    async (request, reply) => {
      const { response, name = (await toDeviceName(deviceOf(request))).text } = request.body
      let added: AddedPasskey | undefined
      const answer = await answerChanged(engine, reply, async () => {
        added = await addOwnPasskey(engine, ownerOf(request), { response, name })
        return added
      })
      if (added === undefined) throw new TypeError('a passkey that was added is there')
      return { passkey: toPasskeyView(added.passkey), ...answer }
    },
  )
}

const renameRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).patch(
    '/me/passkeys/:id',
    {
      config: {
        gate: { access: freshly, limit: 'write', audit: 'none' },
        reference: {
          tag,
          summary: 'Give a passkey another name',
          example: { body: { name: 'Laptop' }, answer: passkeyExample },
        },
      },
      schema: {
        params: idParams,
        body: strictObject({ name: passkeyName }),
        response: { 200: passkeySchema },
      },
    },
    async request => {
      const change = { id: request.params.id, name: request.body.name }
      return toPasskeyView(await renameOwnPasskey(engine, ownerOf(request), change))
    },
  )
}

const removeRoute = (app: FastifyInstance, engine: Engine): void => {
  typed(app).delete(
    '/me/passkeys/:id',
    {
      config: {
        gate: {
          access: freshly,
          limit: 'write',
          audit: ['second-factor.removed', 'session.renewed', 'session.ended'],
        },
        reference: {
          tag,
          summary: 'Remove a passkey; all other sessions end',
          refusals: ['password_too_short'],
          example: { answer: madeUpPair, answerToCookie: csrfExample },
        },
      },
      schema: { params: idParams, response: { 200: renewedAnswer } },
    },
    (request, reply) => {
      const { id } = request.params
      return answerRenewed(
        engine,
        reply,
        async () => (await removeOwnPasskey(engine, ownerOf(request), { id })).renewed,
      )
    },
  )
}

/** What a user does to the own passkeys. */
export const ownPasskeyRoutes = (app: FastifyInstance, engine: Engine): void => {
  for (const add of [listRoute, optionsRoute, addRoute, renameRoute, removeRoute]) add(app, engine)
}
