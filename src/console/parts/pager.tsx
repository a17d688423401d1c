interface Parts<Start> {
  /** The beginnings of the pages up to the shown one. */
  starts: readonly Start[]
  /** Of the page after it; null at the end. */
  next: Start | null
  onTurn: (starts: Start[]) => void
}

/** Back and forth among pages that are found by where they begin. */
export function Pager<Start>({ starts, next, onTurn }: Parts<Start>) {
  return (
    <p class="row">
      <button type="button" disabled={starts.length === 1} onClick={() => onTurn(starts.slice(0, -1))}>
        Back
      </button>
      <span class="quiet">Page {starts.length}</span>
      <button type="button" disabled={next === null} onClick={() => next !== null && onTurn([...starts, next])}>
        Next
      </button>
    </p>
  )
}
