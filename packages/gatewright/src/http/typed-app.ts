import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyTypeProvider,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { FromSchema, JSONSchema } from 'json-schema-to-ts'

/** Types of bodies, parameters and answers from the plain JSON Schemas that check them; nothing at run time. */
export interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends JSONSchema ? FromSchema<this['schema']> : unknown
  readonly serializer: this['schema'] extends JSONSchema ? FromSchema<this['schema']> : unknown
}

/** A Fastify instance whose handlers know the types that their schemas check. */
export type TypedApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  SchemaTypes
>

export const typed = (app: FastifyInstance): TypedApp => app.withTypeProvider<SchemaTypes>()
