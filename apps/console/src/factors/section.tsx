import { Stack } from '@mantine/core'
import { type ReactNode, useId } from 'react'
import styles from './section.module.css'

type SectionProps = { readonly title: string; readonly children: ReactNode }

/** A part of a page, with a heading of its own. */
export const Section = ({ title, children }: SectionProps) => {
  const id = useId()
  return (
    <section className={styles.section} aria-labelledby={id}>
      <Stack align="stretch">
        <h2 id={id} className={styles.title} tabIndex={-1}>
          {title}
        </h2>
        {children}
      </Stack>
    </section>
  )
}
