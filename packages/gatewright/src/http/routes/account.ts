import type { FastifyInstance } from 'fastify'
import { deleteUser } from '../../administration/delete-user.ts'
import type { Engine } from '../../compose.ts'
import type { Principal } from '../../gate/principal.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { isForeignId } from '../../ground/foreign-id.ts'
import {
  allOf,
  type Permission,
  type PermissionSet,
  recentSignIn,
  signedIn,
} from '../../permissions/access-rule.ts'
import { permissionsOf, type RoleTable } from '../../permissions/roles.ts'
import { changePassword } from '../../sign-in/own-password.ts'
import { findDelay } from '../../sign-in/throttle.ts'
import { userKey } from '../../sign-in/throttle-keys.ts'
import {
  fieldChangesSchema,
  isSeenBy,
  isWrittenBy,
  shownFieldsSchema,
  type UserFields,
} from '../../users/declared-fields.ts'
import { locales } from '../../users/locale.ts'
import { parsePassword } from '../../users/password.ts'
import { changeUserFields, showUserFields } from '../../users/user-fields.ts'
import { changeLocale, getUser, noteReview, type User } from '../../users/users.ts'
import { goneSignal, originOf, principalOf } from '../request.ts'
import {
  anyText,
  flag,
  list,
  madeUpId,
  madeUpPair,
  named,
  nothing,
  password,
  passwordExample,
  strictObject,
  textOrNull,
  timestamp,
} from '../schemas.ts'
import { answerRenewed, clearSessionCookie, csrfExample, renewedAnswer } from '../session-cookie.ts'
import { typed } from '../typed-app.ts'

const accountProperties = (declared: UserFields) => ({
  id: anyText,
  username: anyText,
  email: textOrNull,
  email_verified: flag,
  roles: list(anyText),
  permissions: list(anyText),
  locale: { enum: locales },
  created_at: timestamp,
  fields: shownFieldsSchema(declared, 'self'),
})

/** A user's own view of the account, with the declared fields that a user sees of the own ones. */
export const accountSchema = (declared: UserFields) =>
  named('Account', strictObject(accountProperties(declared)))

/** The same for whoever is signed in: also until when sign-in from new devices is delayed. */
export const ownAccountSchema = (declared: UserFields) =>
  named(
    'OwnAccount',
    strictObject({
      ...accountProperties(declared),
      withheld_permissions: list(anyText),
      sign_in_delayed_until: textOrNull,
      review_due: flag,
    }),
  )

/** The account of a new user, for examples. */
export const accountExample = (
  { roleTable }: { readonly roleTable: RoleTable },
  username: string,
  roles: readonly string[] = ['user'],
) => ({
  id: madeUpId,
  username,
  email: null,
  email_verified: false,
  roles,
  permissions: [...permissionsOf(roleTable, roles)].sort(),
  locale: 'en' as const,
  created_at: '2026-11-21T12:00:00.000Z',
  fields: {},
})

export const ownAccountExample = (engine: { readonly roleTable: RoleTable }, username: string) => ({
  ...accountExample(engine, username),
  withheld_permissions: [],
  sign_in_delayed_until: null,
  review_due: false,
})

export const toAccount = (
  { roleTable }: { readonly roleTable: RoleTable },
  user: User,
  declared: UserFields,
) => ({
  id: user.id,
  username: user.username,
  email: user.email,
  email_verified: user.emailVerified,
  roles: [...user.roles],
  permissions: [...permissionsOf(roleTable, user.roles)].sort(),
  locale: user.locale,
  created_at: toTimestamp(user.createdAt),
  fields: showUserFields(declared, user.fields, 'self'),
})

const splitAccording = (withheld: PermissionSet, held: readonly Permission[]) => ({
  permissions: held.filter(permission => !withheld.has(permission)),
  withheld_permissions: held.filter(permission => withheld.has(permission)),
})

/** Permissions are those of the session; what it lacks for want of a second factor stands by itself. */
export const readOwnAccount = async (
  engine: Engine,
  { userId, withheld }: Pick<Principal, 'userId' | 'withheld'>,
  declared: UserFields,
) => {
  const user = await getUser(engine.db, userId)
  const until = await findDelay(engine, userKey(userId))
  const account = toAccount(engine, user, declared)
  const held = permissionsOf(engine.roleTable, user.roles)
  const permissions = splitAccording(withheld, [...held].sort())
  return {
    ...account,
    ...permissions,
    sign_in_delayed_until: toTimestampOrNull(until ?? null),
    review_due: user.reviewDue,
  }
}

const protectedSchema = strictObject({
  user: { anyOf: [strictObject({ id: anyText, username: anyText }), nothing] },
  permissions: list(anyText),
  session_id: textOrNull,
})

/** Whom the principal acts for: none where another issuer's token speaks for itself. */
const findNamed = async ({ db }: Engine, userId: string) => {
  if (isForeignId(userId)) return null
  const { id, username } = await getUser(db, userId)
  return { id, username }
}

/** Of the own fields that a user writes, those whose schemas have `examples`. */
const exampleFieldsOf = (declared: UserFields): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(declared)
      .filter(([, field]) => isSeenBy(field, 'self') && isWrittenBy(field, 'self'))
      .map(([name, { schema }]) => [name, typeof schema === 'object' ? schema.examples?.[0] : undefined])
      .filter(([, example]) => example !== undefined),
  )

export const accountRoutes = (app: FastifyInstance, engine: Engine): void => {
  const fields = exampleFieldsOf(app.userFields)
  typed(app).get(
    '/me',
    {
      config: {
        gate: { access: signedIn(), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Account',
          summary: 'The own account',
          example: { answer: ownAccountExample(engine, 'alice') },
        },
      },
      schema: { response: { 200: ownAccountSchema(app.userFields) } },
    },
    request => readOwnAccount(engine, principalOf(request), app.userFields),
  )

  typed(app).patch(
    '/me',
    {
      config: {
        gate: { access: signedIn(), limit: 'write', audit: 'none' },
        reference: {
          tag: 'Account',
          summary:
            'Change the language of mail, and own fields that the application declares (null removes a field); `reviewed` says that what outlived a reset of the password is the own',
          refusals: ['insufficient_permission'],
          example: {
            body: { locale: 'zh-TW', fields },
            answer: { ...ownAccountExample(engine, 'alice'), locale: 'zh-TW' as const, fields },
          },
        },
      },
      schema: {
        body: {
          ...strictObject(
            {
              fields: fieldChangesSchema(app.userFields, 'self'),
              locale: { enum: locales },
              reviewed: { type: 'boolean', const: true },
            },
            ['fields', 'locale', 'reviewed'],
          ),
          minProperties: 1,
        },
        response: { 200: ownAccountSchema(app.userFields) },
      },
    },
    async request => {
      const caller = principalOf(request)
      const { userId } = caller
      const { fields, locale, reviewed } = request.body
      if (fields !== undefined)
        await changeUserFields(engine, app.userFields, { userId, fields, writer: 'self' })
      if (locale !== undefined) await changeLocale(engine.db, userId, locale)
      if (reviewed) await noteReview(engine.db, userId)
      return readOwnAccount(engine, caller, app.userFields)
    },
  )

  typed(app).delete(
    '/me',
    {
      config: {
        gate: {
          access: allOf(signedIn(), recentSignIn()),
          limit: 'write',
          audit: ['user.deleted', 'session.ended'],
        },
        reference: {
          tag: 'Account',
          summary: 'Delete the own account, for good',
          refusals: ['last_administrator'],
          example: {},
        },
      },
      schema: { response: { 204: nothing } },
    },
    async (request, reply) => {
      const caller = principalOf(request)
      await deleteUser(engine, { userId: caller.userId, origin: originOf(request) }, caller)
      if (request.passage?.cookie !== undefined) clearSessionCookie(engine, reply)
      return reply.code(204).send(null)
    },
  )

  typed(app).get(
    '/protected',
    {
      config: {
        gate: { access: signedIn(), principals: ['user', 'api-key', 'client'], limit: 'read', audit: 'none' },
        reference: {
          tag: 'Account',
          summary: 'Whoever is signed in',
          example: {
            answer: {
              user: { id: madeUpId, username: 'alice' },
              permissions: accountExample(engine, 'alice').permissions,
              session_id: madeUpId,
            },
          },
        },
      },
      schema: { response: { 200: protectedSchema } },
    },
    async request => {
      const { userId, permissions, sessionId } = principalOf(request)
      return {
        user: await findNamed(engine, userId),
        permissions: [...permissions].sort(),
        session_id: sessionId || null,
      }
    },
  )

  typed(app).put(
    '/me/password',
    {
      config: {
        gate: {
          access: allOf(signedIn(), recentSignIn()),
          limit: 'confirm-password',
          audit: [
            'user.password-changed',
            'password.taken-with-doubt',
            'session.renewed',
            'session.ended',
            'sign-in.failed',
          ],
        },
        reference: {
          tag: 'Account',
          summary: 'Change the own password; the session goes on under a new id, all others end',
          refusals: ['invalid_credentials', 'password_too_short', 'password_blocklisted'],
          example: {
            body: {
              current_password: passwordExample,
              new_password: `${passwordExample}, too`,
            },
            answer: madeUpPair,
            answerToCookie: csrfExample,
          },
        },
      },
      schema: {
        body: strictObject({ current_password: password, new_password: password }),
        response: { 200: renewedAnswer },
      },
    },
    async (request, reply) => {
      const { userId, sessionId } = principalOf(request)
      const change = {
        userId,
        sessionId,
        password: parsePassword(request.body.current_password, '/current_password'),
        newPassword: parsePassword(request.body.new_password, '/new_password'),
        origin: originOf(request),
        gone: goneSignal(reply),
      }
      return answerRenewed(engine, reply, () => changePassword(engine, change))
    },
  )
}
