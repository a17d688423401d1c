import { useState } from 'preact/hooks'
import { Code } from '../../parts/code'
import { JsonDialog } from '../../parts/json-dialog'
import { whole } from '../../parts/words'
import { writeJson } from '../../service/exact-json'
import { plainVectors, type QuarantinedRecord, vectorTexts } from '../../service/quarantine'

/** Characters shown of a payload: a browser takes seconds to lay out two megabytes. */
const TEXT = 4_000

interface Parts {
  record: QuarantinedRecord
  isChosen: boolean
  onChoose: (isChosen: boolean) => void
  /** Null for callers that may not. */
  onRepair: ((body: object) => Promise<void>) | null
  /** Whether it can be chosen. */
  isOffered: boolean
}

/** A row as it came, with the reason why it is here. */
export function RecordCard({ record: { id, payload: told }, isChosen, onChoose, onRepair, isOffered }: Parts) {
  const { rule, reason, field, source, position, record, quarantined_at } = told
  const [isEdited, setIsEdited] = useState(false)
  const pointId = writeJson(record.id)
  const vector = plainVectors(record.vector)
  const facts: [string, string][] = [
    ['rule', rule],
    ['from', source === null ? 'an upsert' : `${source}, row ${position}`],
    ['at', new Date(quarantined_at).toLocaleString()],
    ...(field ? [['field', field] as [string, string]] : []),
    ...vectorTexts(record.vector),
  ]
  return (
    <article class="card" aria-label={`Row ${pointId}`}>
      <header>
        {isOffered ? (
          <label class="row">
            <input type="checkbox" checked={isChosen} onChange={(event) => onChoose(event.currentTarget.checked)} />
            <h2>{pointId}</h2>
          </label>
        ) : (
          <h2>{pointId}</h2>
        )}
      </header>
      <p class="warnings">{reason}</p>
      <dl>
        {facts.map(([name, text]) => (
          <>
            <dt key={`${name} key`}>{name}</dt>
            <dd key={name}>{text}</dd>
          </>
        ))}
      </dl>
      {record.text !== undefined && (
        <>
          <p class="quiet small">
            The row is too long or too deep to be kept whole: this is its beginning. It cannot be stored from here. Send
            it again from its source.
          </p>
          <Code label={`Row ${pointId} as text`} text={cut(record.text)} />
        </>
      )}
      {record.payload !== undefined && <Code label={`Payload of ${pointId}`} text={shown(record.payload)} />}
      {onRepair && record.text === undefined && (
        <footer>
          <button type="button" class="plain" onClick={() => setIsEdited(true)}>
            Mend by hand …
          </button>
        </footer>
      )}
      {isEdited && onRepair && (
        <JsonDialog
          title={`Store ${pointId} with other values`}
          label="Vectors and payload"
          value={{ ...(vector === undefined ? {} : { vector }), payload: record.payload ?? {} }}
          action="Store it"
          run={(changed: object) => onRepair({ replace: [{ id, ...changed }] })}
          onDone={() => setIsEdited(false)}
        />
      )}
    </article>
  )
}

function shown(payload: unknown): string {
  return cut(writeJson(payload, null, 2))
}

function cut(text: string): string {
  return text.length > TEXT ? `${text.slice(0, TEXT)}\n… of ${whole(text.length)} characters` : text
}
