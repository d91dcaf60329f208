"""What exports of the generated fleet cost, beside `psql COPY` of the same rows."""
