import type { ReactNode } from 'react'
import { Warning } from '../forms/notice.tsx'
import { useLinkToken } from '../link-token.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** Reads the token of the address, and says so where there is none. */
export const WithToken = ({ children }: { readonly children: (token: string) => ReactNode }) => {
  const { text } = useTexts()
  const token = useLinkToken()
  if (token === undefined) return null
  return token === '' ? <Warning>{text('linkBroken')}</Warning> : children(token)
}
