"""From files to mirrored rows: read (bytes to text columns), check (text to typed rows or reasons), write (COPY)."""
