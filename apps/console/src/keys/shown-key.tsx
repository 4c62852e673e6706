import { Button, Checkbox } from '@mantine/core'
import { useState } from 'react'
import type { NewApiKey } from '../api/key-answers.ts'
import { usePageSettings } from '../api/use-api.ts'
import { Keep } from '../forms/keep.tsx'
import { Warning } from '../forms/notice.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './shown-key.module.css'

type ShownKeyProps = { readonly made: NewApiKey; readonly onKept: () => void }

/** A new key, once: to be copied or downloaded before it goes on. */
export const ShownKey = ({ made: { key, name, prefix }, onKept }: ShownKeyProps) => {
  const { text } = useTexts()
  const { app_name: app } = usePageSettings()
  const [isKept, setKept] = useState(false)
  const title = text('keyFile', { name, app })
  return (
    <>
      <Warning>{text('keyOnce')}</Warning>
      <p className={styles.title}>{title}</p>
      <code className={styles.key}>{key}</code>
      <Keep content={key} file={{ name: `${prefix}.txt`, content: `${title}\n\n${key}\n` }} />
      <Checkbox
        label={text('keyKept')}
        checked={isKept}
        onChange={({ currentTarget: { checked } }) => setKept(checked)}
      />
      <div>
        <Button disabled={!isKept} onClick={onKept}>
          {text('goOn')}
        </Button>
      </div>
    </>
  )
}
