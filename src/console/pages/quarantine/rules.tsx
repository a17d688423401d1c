import { useState } from 'preact/hooks'
import { ErrorLine, Section, Table } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { Difference } from '../../parts/difference'
import { May } from '../../parts/may'
import { readJson, writeJson } from '../../service/exact-json'
import type { Ingestion, Rule } from '../../service/quarantine'
import { ask } from '../../service/session'

const TOLD = new Set(['name', 'check', 'vector', 'key', 'action', 'fix'])

interface Parts {
  name: string
  ingestion: Ingestion | null
  onChange: () => void
}

/** The rules as a table, and a change of them, shown before it is made. */
export function Rules({ name, ingestion, onChange }: Parts) {
  const [text, setText] = useState<string | null>(null)
  const [change, setChange] = useState<Ingestion | null | undefined>(undefined)
  const [error, setError] = useState<Error | null>(null)
  const start = () => setText(writeJson(ingestion ?? exampleFor(name), null, 2))
  const show = (event: Event) => {
    event.preventDefault()
    try {
      setChange(readJson(text ?? 'null') as never)
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }
  const close = (isRun: boolean) => {
    setChange(undefined)
    if (!isRun) return
    setText(null)
    onChange()
  }
  const begin = (
    <May change="all" of={name}>
      <button type="button" class="plain" onClick={start}>
        Change the rules …
      </button>
    </May>
  )
  return (
    <Section title="Rules" beside={text === null && begin}>
      {ingestion ? <RuleTable ingestion={ingestion} /> : <p class="quiet">No rules: every valid point is stored.</p>}
      {text !== null && (
        <form onSubmit={show}>
          <label>
            All rules, as the field “ingestion” has them; null removes them
            <textarea
              rows={14}
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <ErrorLine error={error} />
          <p class="row">
            <button type="submit">Show the change</button>
            <button type="button" class="plain" onClick={() => setText(null)}>
              Cancel
            </button>
          </p>
        </form>
      )}
      {change !== undefined && (
        <Confirm
          title="Change the rules"
          text="They hold for points that come from now on. Stored points stay as they are."
          action="Change them"
          isHarmless
          run={async () => {
            await ask('PATCH', `/collections/${encodeURIComponent(name)}`, { ingestion: change })
          }}
          onDone={close}
        >
          <Difference before={ingestion ?? undefined} after={change ?? undefined} />
        </Confirm>
      )}
    </Section>
  )
}

function exampleFor(name: string): Ingestion {
  return { quarantine: `${name}-quarantine`, rules: [{ check: 'finite', action: 'quarantine' }] }
}

function RuleTable({ ingestion: { rules, quarantine, whole_batches } }: { ingestion: Ingestion }) {
  return (
    <>
      <Table label="Rules">
        <thead>
          <tr>
            <th>Rule</th>
            <th>Check</th>
            <th>Of</th>
            <th>Settings</th>
            <th>Action</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={nameOf(rule)}>
              <th scope="row">{nameOf(rule)}</th>
              <td>{rule.check}</td>
              <td>{rule.vector ?? rule.key ?? 'all vectors'}</td>
              <td>{settingsOf(rule)}</td>
              <td>{rule.fix ? `${rule.action}: ${rule.fix}` : rule.action}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      <p class="quiet small">
        {quarantine ? `Quarantine: ${quarantine}.` : 'No quarantine is named.'}
        {whole_batches ? ' The first refused point fails its whole write.' : ''}
      </p>
    </>
  )
}

/** The default name is the check with its vector or key. */
function nameOf({ name, check, vector, key }: Rule): string {
  const of = vector ?? key
  return name ?? (of ? `${of}.${check}` : check)
}

function settingsOf(rule: Rule): string {
  return Object.entries(rule)
    .filter(([setting]) => !TOLD.has(setting))
    .map(([setting, value]) => `${setting} ${writeJson(value)}`)
    .join(', ')
}
