import type { ReactNode } from 'react'
import { CrossIcon, TickIcon } from '../frame/icons.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './tile.module.css'

type TileProps = { readonly isGood: boolean; readonly title: string; readonly detail?: ReactNode }

/** One thing that is well or not, seen before it is read. */
export const Tile = ({ isGood, title, detail }: TileProps) => {
  const { text } = useTexts()
  return (
    <li className={isGood ? styles.good : styles.bad}>
      <span role="img" aria-label={text(isGood ? 'healthGood' : 'healthBad')}>
        {isGood ? <TickIcon /> : <CrossIcon />}
      </span>
      <span className={styles.title}>{title}</span>
      {detail && <span>{detail}</span>}
    </li>
  )
}
