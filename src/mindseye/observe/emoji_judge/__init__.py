"""What the judge of the `emoji` collection is made from: drawings by other hands, shown in many ways and colours."""
