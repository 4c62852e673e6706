import { type Problem, Refused } from './refused.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export type Outgoing = {
  readonly method: Method
  readonly path: string
  readonly body?: unknown
  readonly csrfToken?: string | undefined
}

const unreachable = new Refused({ code: 'unreachable' })

const toProblem = async (answer: Response): Promise<Problem> => {
  const retryAfter = Number(answer.headers.get('retry-after'))
  const told = (await answer.json().catch(() => ({}))) as Partial<Problem>
  return {
    code: told.code ?? 'unreachable',
    ...(told.errors && { errors: told.errors }),
    ...(told.methods && { methods: told.methods }),
    ...(told.mfa_token !== undefined && { mfa_token: told.mfa_token }),
    ...(told.password_token !== undefined && { password_token: told.password_token }),
    ...(told.reason !== undefined && { reason: told.reason }),
    ...(told.ended_at !== undefined && { ended_at: told.ended_at }),
    ...(told.attempts_left !== undefined && { attempts_left: told.attempts_left }),
    ...(retryAfter > 0 && { retryAfter }),
  }
}

/** One request with the cookie of this origin. @throws Refused */
export const send = async ({ method, path, body, csrfToken }: Outgoing): Promise<unknown> => {
  const answer = await fetch(path, {
    method,
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
    headers: {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(csrfToken !== undefined && { 'x-csrf-token': csrfToken }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw unreachable
  })
  if (!answer.ok) throw new Refused(await toProblem(answer))
  return answer.status === 204 ? undefined : answer.json().catch(() => undefined)
}

/** A file, as large as it is: the browser keeps it outside its memory. @throws Refused */
export const fetchFile = async (path: string): Promise<Blob> => {
  const answer = await fetch(path, {
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
  }).catch(() => {
    throw unreachable
  })
  if (!answer.ok) throw new Refused(await toProblem(answer))
  return answer.blob()
}
