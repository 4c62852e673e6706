import type { ReactNode } from 'react'
import type { AuditEvent } from '../api/audit-answers.ts'
import { useTexts } from '../texts/use-texts.tsx'
import { beside } from './beside.ts'
import { EventRow } from './event-row.tsx'
import { tellEvent } from './story.ts'

type ToldEventRowProps = { readonly event: AuditEvent; readonly children?: ReactNode }

/** An event as administrators read it: its sentence, and what that does not say. */
export const ToldEventRow = ({ event, children }: ToldEventRowProps) => {
  const { language } = useTexts()
  const { text, lang } = tellEvent(language, event)
  return (
    <EventRow event={event} sentence={<span lang={lang}>{text}</span>} lines={beside(text, event)}>
      {children}
    </EventRow>
  )
}
