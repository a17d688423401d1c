/** The small parts that each page is made of. */
import type { ComponentChildren } from 'preact'
import type { Asked } from '../service/polled'

export function Tile({ name, value, beside }: { name: string; value: string; beside?: string }) {
  return (
    <div class="tile">
      <span class="tile-name">{name}</span>
      <strong>{value}</strong>
      {beside && <span class="quiet">{beside}</span>}
    </div>
  )
}

export function Section({
  title,
  beside,
  children,
}: {
  title: string
  beside?: ComponentChildren
  children: ComponentChildren
}) {
  return (
    <section class="section">
      <header>
        <h2>{title}</h2>
        {beside}
      </header>
      {children}
    </section>
  )
}

export function ErrorLine({ error }: { error: Error | null }) {
  if (!error) return null
  return (
    <p class="error" role="alert">
      {error.message}
    </p>
  )
}

/** Stands in place of an answer until it is there. */
export function Waiting({ of }: { of: Asked<unknown> }) {
  if (of.error) return <ErrorLine error={of.error} />
  return of.value === null ? <p class="quiet">Loading …</p> : null
}

export function Status({ status }: { status: string }) {
  return <span class={`status ${status}`}>{status}</span>
}

export function Meter({ share, label }: { share: number; label: string }) {
  const percent = Math.max(0, Math.min(1, share)) * 100
  return (
    <svg class="meter" role="img" aria-label={label} viewBox="0 0 100 6" preserveAspectRatio="none">
      <rect class="meter-all" width="100" height="6" />
      <rect class="meter-part" width={percent} height="6" />
    </svg>
  )
}

/** A table that scrolls on a narrow screen, by the keyboard too. */
export function Table({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reached by the keyboard
    <section class="wide" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </section>
  )
}
