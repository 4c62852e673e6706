import { Alert } from '@mantine/core'
import type { ReactNode } from 'react'

type NoticeProps = { readonly children: ReactNode }

/** Says how things stand. */
export const Notice = ({ children }: NoticeProps) => <Alert role="status">{children}</Alert>

/** Says that something was done, aloud as well. */
export const Done = ({ children }: NoticeProps) => (
  <Alert color="green" role="status">
    {children}
  </Alert>
)

/** Says why it does not go on here. */
export const Warning = ({ children }: NoticeProps) => (
  <Alert color="yellow" role="status">
    {children}
  </Alert>
)
