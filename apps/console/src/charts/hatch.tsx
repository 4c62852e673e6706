import styles from './charts.module.css'

/** The pattern of what went wrong: `fill={`url(#${id})`}` in the same picture. */
export const Hatch = ({ id }: { readonly id: string }) => (
  <pattern id={id} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect className={styles.badGround} width="6" height="6" />
    <rect className={styles.badFill} width="3" height="6" />
  </pattern>
)
