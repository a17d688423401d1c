import { useState } from 'preact/hooks'
import { ErrorLine } from '../../parts/basics'
import { whole } from '../../parts/words'
import { ask } from '../../service/session'
import { closedIn, type Row } from './rows'

/** Collections that one press opens: each takes memory. */
const MOST_OPENED = 50

/** How many collections are closed, and so missing in the memory; opens them where the user wants that. */
export function Closed({ rows, onOpened }: { rows: readonly Row[]; onOpened: () => void }) {
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const { names, uncounted } = closedIn(rows)
  if (names.length === 0) return null
  const open = async () => {
    setIsBusy(true)
    setError(null)
    for (const name of names.slice(0, MOST_OPENED)) {
      await ask('POST', `/collections/${encodeURIComponent(name)}/warm`).catch((failure: Error) => {
        setError(new Error(`${name}: ${failure.message}`))
      })
    }
    setIsBusy(false)
    onOpened()
  }
  return (
    <>
      <p class="quiet small row">
        {closedText(names.length, rows.length, uncounted)}
        <button type="button" class="plain" disabled={isBusy} onClick={() => void open()}>
          {names.length > MOST_OPENED ? `Open ${MOST_OPENED} of them` : names.length === 1 ? 'Open it' : 'Open them'}
        </button>
      </p>
      <ErrorLine error={error} />
    </>
  )
}

function closedText(closed: number, all: number, uncounted: number): string {
  const [are, take] = closed === 1 ? ['is', 'takes'] : ['are', 'take']
  const text = `${whole(closed)} of ${whole(all)} collections ${are} closed and ${take} no memory. The first use opens one.`
  return uncounted === 0 ? text : `${text} The points of ${whole(uncounted)} are not known until then.`
}
