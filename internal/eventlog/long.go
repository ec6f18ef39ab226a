package eventlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"casus/internal/event"
	"casus/internal/fault"
)

// Form of a closing entry's payload: uvarint length of the whole payload, its
// SHA-256 (32 bytes), then the sequence number of each part, 8 bytes
// big-endian. It is erased together with the parts.

// AppendLong appends entry, whose payload may be longer than one entry takes:
// up to [MaxWholeBytes] it is one entry; a longer one becomes parts of that
// size, appended first, and one closing entry that names them and bears
// entry's header. Only the closing entry is subject to expect. It returns the
// sequence number of the entry or closing entry.
//
// A crash in between leaves parts that nobody names. Their idempotency keys
// follow from that of the closing entry, so the same payload appended again
// meets them; [Orphans] finds those that it did not.
func AppendLong(ctx context.Context, log Log, expect []Expect, entry Entry) (Seq, error) {
	if len(entry.Payload) <= MaxWholeBytes {
		return log.Append(ctx, expect, []Entry{entry})
	}
	return AppendFrom(ctx, log, expect, entry.Header, bytes.NewReader(entry.Payload))
}

// AppendFrom is AppendLong with the payload read from r, in bounded memory. An
// error of r is returned as it is.
func AppendFrom(ctx context.Context, log Log, expect []Expect, header event.Header, r io.Reader) (Seq, error) {
	if header.Key != "" {
		if at, ok, err := log.Seen(ctx, header.Key); err != nil || ok {
			return at, err
		}
	}
	var closing []byte
	whole := sha256.New()
	total := 0
	for buf := make([]byte, MaxWholeBytes); ; {
		n, err := io.ReadFull(r, buf)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return 0, err
		}
		if last && total == 0 {
			return log.Append(ctx, expect, []Entry{{Header: header, Payload: buf[:n]}})
		}
		if n > 0 {
			if total += n; total > MaxLongBytes {
				return 0, fault.Errorf(fault.Invalid, "eventlog: payload of more than %d bytes", MaxLongBytes)
			}
			whole.Write(buf[:n])
			at, err := appendPart(ctx, log, header, len(closing)/8, buf[:n])
			if err != nil {
				return 0, err
			}
			closing = binary.BigEndian.AppendUint64(closing, uint64(at))
		}
		if last {
			break
		}
	}
	header.Parts = uint32(len(closing) / 8)
	payload := whole.Sum(binary.AppendUvarint(nil, uint64(total)))
	return log.Append(ctx, expect, []Entry{{Header: header, Payload: append(payload, closing...)}})
}

// partPrefix begins the idempotency key of a part; its number, the try, and the
// key of the closing entry follow, with a colon between.
const partPrefix = "payload-part:"

// appendPart appends part number no of the payload that header closes, or finds
// it where an earlier attempt that was cut short left it. What stands there may
// be another payload's part, or erased since: then the next try's key is taken.
func appendPart(ctx context.Context, log Log, header event.Header, no int, payload []byte) (Seq, error) {
	part := event.Header{
		Kind: event.PayloadPart, KindVersion: 1, Realm: header.Realm, Coalition: header.Coalition,
		Owner: header.Owner, Author: header.Author, WriteTime: header.WriteTime, Marking: header.Marking, Cause: header.Cause,
	}
	for try := 0; ; try++ {
		if header.Key != "" {
			part.Key = fmt.Sprintf("%s%d:%d:%s", partPrefix, no, try, header.Key)
		}
		at, err := log.Append(ctx, nil, []Entry{{Header: part, Payload: payload}})
		if err != nil || part.Key == "" {
			return at, err
		}
		held, err := log.Get(ctx, at)
		if err != nil || !held.Erased && bytes.Equal(held.Payload, payload) {
			return at, err
		}
	}
}

// Orphans returns those of parts that no closing entry names, and that hold
// bytes still: what attempts that were cut short left behind. Nobody may be
// appending long payloads meanwhile. Entries that are no parts, and parts
// without an idempotency key, are passed over: of them it cannot be told.
func Orphans(ctx context.Context, log Log, parts ...Seq) ([]Seq, error) {
	named := map[string][]Seq{} // by the closing entry's key
	var out []Seq
	for _, seq := range parts {
		s, err := log.Get(ctx, seq)
		if err != nil {
			return nil, err
		}
		rest, ok := strings.CutPrefix(s.Header.Key, partPrefix)
		fields := strings.SplitN(rest, ":", 3)
		if !ok || len(fields) != 3 || s.Erased || s.Header.Kind != event.PayloadPart {
			continue
		}
		key := fields[2]
		if _, looked := named[key]; !looked {
			if named[key], err = namedBy(ctx, log, key); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(named[key], seq) {
			out = append(out, seq)
		}
	}
	return out, nil
}

// namedBy returns the parts that the closing entry with an idempotency key
// names: none when there is no such entry, or when it was erased.
func namedBy(ctx context.Context, log Log, key string) ([]Seq, error) {
	at, ok, err := log.Seen(ctx, key)
	if err != nil || !ok {
		return nil, err
	}
	s, err := log.Get(ctx, at)
	if err != nil || s.Erased || s.Header.Parts == 0 {
		return nil, err
	}
	_, _, parts, err := closingOf(s)
	return parts, err
}

// closingOf reads the payload of a closing entry.
func closingOf(s Stored) (total int, digest Digest, parts []Seq, err error) {
	n, k := binary.Uvarint(s.Payload)
	rest := s.Payload[max(k, 0):]
	if k <= 0 || n > MaxLongBytes || len(rest) != len(digest)+8*int(s.Header.Parts) {
		return 0, digest, nil, fault.Errorf(fault.Internal, "eventlog: entry %d: list of parts is damaged", s.Seq)
	}
	copy(digest[:], rest)
	for rest = rest[len(digest):]; len(rest) > 0; rest = rest[8:] {
		parts = append(parts, Seq(binary.BigEndian.Uint64(rest)))
	}
	return int(n), digest, parts, nil
}

// Size returns the length of the payload of s, parts added up; 0 when it is erased.
func Size(s Stored) int64 {
	if s.Erased {
		return 0
	}
	if s.Header.Parts == 0 {
		return int64(len(s.Payload))
	}
	n, _ := binary.Uvarint(s.Payload)
	return int64(n)
}

// Payload returns the whole payload of s, joining its parts. It is a NotFound
// error when the payload was erased.
func Payload(ctx context.Context, log Log, s Stored) ([]byte, error) {
	if s.Header.Parts == 0 && !s.Erased {
		return s.Payload, nil
	}
	var b bytes.Buffer
	if err := WritePayload(ctx, log, s, &b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// WritePayload writes the whole payload of s to w in bounded memory. Its
// digest is known to be right only when it returns nil.
func WritePayload(ctx context.Context, log Log, s Stored, w io.Writer) error {
	if s.Erased {
		return fault.Errorf(fault.NotFound, "eventlog: entry %d: payload is erased", s.Seq)
	}
	if s.Header.Parts == 0 {
		_, err := w.Write(s.Payload)
		return err
	}
	total, digest, parts, err := closingOf(s)
	if err != nil {
		return err
	}
	whole := sha256.New()
	for _, at := range parts {
		part, err := log.Get(ctx, at)
		if err != nil {
			return err
		}
		if part.Erased {
			return fault.Errorf(fault.NotFound, "eventlog: entry %d: part %d is erased", s.Seq, at)
		}
		whole.Write(part.Payload)
		total -= len(part.Payload)
		if _, err := w.Write(part.Payload); err != nil {
			return err
		}
	}
	if total != 0 || Digest(whole.Sum(nil)) != digest {
		return fault.Errorf(fault.Internal, "eventlog: entry %d: joined parts do not match their digest", s.Seq)
	}
	return nil
}

// Closure returns seqs and the parts that they name, sorted and without
// repeats: what is to be given to Erase. Parts are not found any more once
// their closing entry is erased, so one Erase must take them all.
func Closure(ctx context.Context, log Log, seqs ...Seq) ([]Seq, error) {
	all := slices.Clone(seqs)
	for _, seq := range seqs {
		s, err := log.Get(ctx, seq)
		if err != nil {
			return nil, err
		}
		if s.Erased || s.Header.Parts == 0 {
			continue
		}
		_, _, parts, err := closingOf(s)
		if err != nil {
			return nil, err
		}
		all = append(all, parts...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
