import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { everyone } from '../../permissions/access-rule.ts'
import { ownWords } from '../../users/own-words.ts'
import { parsePassword } from '../../users/password.ts'
import { anyText, list, password, passwordExample, strictObject, textOrNull, username } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const strengthSchema = strictObject({
  score: { type: 'integer', minimum: 0, maximum: 4 },
  warning: textOrNull,
  suggestions: list(anyText),
})

/** What a page shows while somebody chooses a password. Nothing of it is kept, and no breach service is asked. */
export const passwordStrengthRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).post(
    '/password/strength',
    {
      config: {
        gate: { access: everyone(), ignoresCookie: true, limit: 'password-strength', audit: 'none' },
        reference: {
          tag: 'Sign-in',
          summary: 'How easily a password is guessed; below 3 it is refused where one is chosen',
          example: {
            body: { password: passwordExample, username: 'bob' },
            answer: { score: 4, warning: null, suggestions: [] },
          },
        },
      },
      schema: {
        body: strictObject({ password, username }, ['username']),
        response: { 200: strengthSchema },
      },
    },
    async request => {
      const { password, username } = request.body
      const { score, warning, suggestions } = await engine.strength.show(
        parsePassword(password, '/password'),
        ownWords({ username }, engine),
      )
      return { score, warning, suggestions: [...suggestions] }
    },
  )
}
