import type { Explanation } from '../api/administration-answers.ts'
import { CrossIcon, TickIcon } from '../frame/icons.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './reasons.module.css'

type Part = Explanation['parts'][number]
/** A part, and what stands below it. */
type Branch = Part & { readonly parts: readonly Branch[] }

/** What was told line by line, as the tree that it is: deeper lines belong to the one before them. */
const toBranches = (lines: readonly Part[]): readonly Branch[] => {
  const [first, ...rest] = lines
  if (first === undefined) return []
  const next = rest.findIndex(({ depth }) => depth <= first.depth)
  const end = next === -1 ? rest.length : next
  return [{ ...first, parts: toBranches(rest.slice(0, end)) }, ...toBranches(rest.slice(end))]
}

/** Each part of a rule with a tick or a cross, and why it holds or not. The server says it in English. */
export const Reasons = ({ parts }: { readonly parts: readonly Part[] }) => (
  <Branches branches={toBranches(parts)} />
)

const Branches = ({ branches }: { readonly branches: readonly Branch[] }) => {
  const { text } = useTexts()
  return (
    <ul className={styles.reasons}>
      {branches.map(({ text: sentence, held, why, parts }) => (
        <li key={`${sentence} ${why}`}>
          <span
            className={held ? styles.held : styles.missing}
            role="img"
            aria-label={text(held ? 'holds' : 'holdsNot')}
          >
            {held ? <TickIcon /> : <CrossIcon />}
          </span>
          <span lang="en">
            <strong>{sentence}</strong>
            {why !== null && `: ${why}`}
          </span>
          {parts.length > 0 && <Branches branches={parts} />}
        </li>
      ))}
    </ul>
  )
}
