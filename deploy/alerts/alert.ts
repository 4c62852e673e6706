/** A series of a test of Prometheus, in its own short words: `0x10 6x20` is eleven times 0 and then 21 times 6. */
type Series = Readonly<Record<string, string>>

/** A rule by which somebody is told. Expressions are PromQL. */
export type Alert = {
  readonly name: string
  readonly expr: string
  readonly for: string
  /** `page`: now, at night as well. `ticket`: on the next working day. */
  readonly severity: 'page' | 'ticket'
  readonly means: string
  readonly do: string
  /** Told after 30 minutes of these, with these labels beside the severity. */
  readonly fires: { readonly series: Series; readonly labels?: Readonly<Record<string, string>> }
  /** Never told while these go on. */
  readonly quiet: Series
}
