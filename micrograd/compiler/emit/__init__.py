"""What programs are written in."""
