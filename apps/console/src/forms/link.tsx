import { Anchor } from '@mantine/core'
import type { MouseEvent, ReactNode } from 'react'
import { type Memory, navigate, toAddress } from '../router.ts'

type LinkProps = {
  readonly to: string
  readonly children: ReactNode
  /** Where a link is more than a word in a sentence. */
  readonly className?: string | undefined
  readonly isCurrent?: boolean
  readonly memory?: Memory
}

const opensElsewhere = ({ metaKey, ctrlKey, shiftKey, altKey }: MouseEvent): boolean =>
  metaKey || ctrlKey || shiftKey || altKey

/** A link to a view of the console. A click that asks for a new tab stays the browser's. */
export const Link = ({ to, children, className, isCurrent = false, memory = {} }: LinkProps) => (
  <Anchor
    href={toAddress(to)}
    unstyled={className !== undefined}
    className={className}
    underline="always"
    aria-current={isCurrent ? 'page' : undefined}
    onClick={event => {
      if (opensElsewhere(event)) return
      event.preventDefault()
      navigate(to, { memory })
    }}
  >
    {children}
  </Anchor>
)
