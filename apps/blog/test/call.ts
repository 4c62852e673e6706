import type { TestApp } from 'gatewright/testing'
import { mount } from '../src/blog.ts'

export type Call = {
  readonly token?: string | undefined
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly address?: string
}

const toUrl = (path: string): string => (path.startsWith('/') ? path : `${mount}/${path}`)

/** Sends requests to the blog; a path without a slash in front stands below the mount. */
export const createCall =
  (app: TestApp['app']) =>
  async (method: string, path: string, { token, body, headers = {}, address = '127.0.0.1' }: Call = {}) => {
    const answer = await app.inject({
      method: method as 'GET',
      url: toUrl(path),
      remoteAddress: address,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { payload: body as object }),
    })
    const isJson = /[/+]json/.test(String(answer.headers['content-type'] ?? '')) && answer.payload !== ''
    return {
      status: answer.statusCode,
      headers: answer.headers as Readonly<Record<string, string | string[] | number | undefined>>,
      text: answer.payload,
      /** Of any shape: that is what a test is about. */
      body: isJson ? answer.json() : undefined,
    }
  }

export type Answer = Awaited<ReturnType<ReturnType<typeof createCall>>>

/** Status, and the code of a refusal. */
export const show = ({ status, body }: Answer): string =>
  status >= 400 ? `${status} ${body?.code}` : String(status)
